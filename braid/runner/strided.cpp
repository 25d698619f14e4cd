#include "braid/runner/strided.h"

#include <algorithm>
#include <cstring>

namespace braid::runner {
namespace {

template <size_t kBytes>
struct Element {
  uint8_t bytes[kBytes];
};

struct Row {
  std::byte* to;
  const std::byte* from;
  int64_t count, to_stride, from_stride;
};

template <size_t kBytes>
void copy_row(const Row& row) {
  if (row.to_stride == 1 && row.from_stride == 1) {
    std::memcpy(row.to, row.from, static_cast<size_t>(row.count) * kBytes);
    return;
  }
  auto* to = reinterpret_cast<Element<kBytes>*>(row.to);
  const auto* from = reinterpret_cast<const Element<kBytes>*>(row.from);
  for (int64_t i = 0; i < row.count; ++i) to[i * row.to_stride] = from[i * row.from_stride];
}

constexpr int64_t kBlock = 16;  // elements along each side, which stay in the cache

// A plane whose two orders of elements differ, some rows of it, in blocks.
template <size_t kBytes>
void copy_plane(const Kernels& kernels, const Row& row, int64_t rows, int64_t to_step,
                int64_t from_step) {
  if (kBytes == sizeof(float) && row.to_stride == 1 && from_step == 1)
    return kernels.transpose(reinterpret_cast<const float*>(row.from), row.from_stride, row.count,
                             rows, reinterpret_cast<float*>(row.to), to_step);
  for (int64_t y = 0; y < rows; y += kBlock)
    for (int64_t x = 0; x < row.count; x += kBlock)
      for (int64_t i = y; i < std::min(rows, y + kBlock); ++i)
        copy_row<kBytes>(
            {row.to + (i * to_step + x * row.to_stride) * static_cast<int64_t>(kBytes),
             row.from + (i * from_step + x * row.from_stride) * static_cast<int64_t>(kBytes),
             std::min(kBlock, row.count - x), row.to_stride, row.from_stride});
}

// An index that counts up, and where its elements are.
class Odometer {
 public:
  Odometer(const Dims& dims, size_t rank, const Dims& to_strides, const Dims& from_strides,
           int64_t begin)
      : dims_(dims), to_strides_(to_strides), from_strides_(from_strides), index_(rank, 0) {
    for (size_t d = rank; d-- > 0; begin /= dims[d]) {
      index_[d] = begin % dims[d];
      to += index_[d] * to_strides[d];
      from += index_[d] * from_strides[d];
    }
  }
  void step() {
    for (size_t d = index_.size(); d-- > 0;) {
      to += to_strides_[d];
      from += from_strides_[d];
      if (++index_[d] < dims_[d]) return;
      to -= dims_[d] * to_strides_[d];
      from -= dims_[d] * from_strides_[d];
      index_[d] = 0;
    }
  }

  int64_t to = 0, from = 0;

 private:
  const Dims &dims_, &to_strides_, &from_strides_;
  Dims index_;
};

int64_t grain_of(int64_t elements) {
  return std::max<int64_t>(1, 16'384 / std::max<int64_t>(elements, 1));
}

template <size_t kBytes>
void copy_all(const RunContext& context, std::byte* to, const Dims& to_strides,
              const std::byte* from, const Dims& from_strides, const Dims& dims) {
  constexpr auto bytes = static_cast<int64_t>(kBytes);
  const size_t rank = dims.size();
  if (rank == 0) {
    std::memcpy(to, from, kBytes);
    return;
  }
  const size_t inner = rank - 1;
  const auto row_at = [&](int64_t to_at, int64_t from_at) {
    return Row{to + to_at * bytes, from + from_at * bytes, dims[inner], to_strides[inner],
               from_strides[inner]};
  };
  if (rank < 2 || (to_strides[inner] == 1 && from_strides[inner] == 1)) {
    context.threads.split(product(dims, 0, inner), grain_of(dims[inner]),
                          [&](int64_t begin, int64_t end, int) {
                            Odometer at(dims, inner, to_strides, from_strides, begin);
                            for (int64_t i = begin; i < end; ++i, at.step())
                              copy_row<kBytes>(row_at(at.to, at.from));
                          });
    return;
  }
  // Two dimensions at a time where the last one is not copied as a block.
  const size_t outer = rank - 2;
  const int64_t rows = dims[outer], blocks = (rows + kBlock - 1) / kBlock;
  context.threads.split(
      product(dims, 0, outer) * blocks, grain_of(std::min(rows, kBlock) * dims[inner]),
      [&](int64_t begin, int64_t end, int) {
        Odometer at(dims, outer, to_strides, from_strides, begin / blocks);
        for (int64_t i = begin; i < end; ++i) {
          const int64_t first = i % blocks * kBlock;
          copy_plane<kBytes>(
              context.kernels,
              row_at(at.to + first * to_strides[outer], at.from + first * from_strides[outer]),
              std::min(kBlock, rows - first), to_strides[outer], from_strides[outer]);
          if (i % blocks == blocks - 1) at.step();
        }
      });
}

}  // namespace

Dims contiguous_strides(const Dims& dims) {
  Dims strides(dims.size());
  int64_t step = 1;
  for (size_t d = dims.size(); d-- > 0; step *= dims[d]) strides[d] = step;
  return strides;
}

void collapse(Dims& dims, std::vector<Dims>& strides) {
  Dims kept;
  std::vector<Dims> kept_strides(strides.size());
  for (size_t d = 0; d < dims.size(); ++d) {
    if (dims[d] == 1) continue;
    bool joins = !kept.empty();
    for (size_t k = 0; joins && k < strides.size(); ++k)
      joins = kept_strides[k].back() == strides[k][d] * dims[d];
    if (joins) {
      kept.back() *= dims[d];
    } else {
      kept.push_back(dims[d]);
      for (auto& list : kept_strides) list.emplace_back();
    }
    for (size_t k = 0; k < strides.size(); ++k) kept_strides[k].back() = strides[k][d];
  }
  dims = std::move(kept);
  strides = std::move(kept_strides);
}

void copy_strided(const RunContext& context, std::byte* to, const Dims& to_strides,
                  const std::byte* from, const Dims& from_strides, const Dims& dims,
                  size_t element_bytes) {
  if (product(dims) == 0) return;
  Dims sizes = dims;
  std::vector<Dims> strides = {to_strides, from_strides};
  collapse(sizes, strides);
  if (element_bytes == 1)
    copy_all<1>(context, to, strides[0], from, strides[1], sizes);
  else if (element_bytes == 4)
    copy_all<4>(context, to, strides[0], from, strides[1], sizes);
  else
    copy_all<8>(context, to, strides[0], from, strides[1], sizes);
}

Dims broadcast(const Dims& a, const Dims& b, bool& fits) {
  Dims out(std::max(a.size(), b.size()), 1);
  fits = true;
  for (size_t d = 0; d < out.size(); ++d) {
    const size_t from_end = out.size() - d;
    const int64_t x = from_end <= a.size() ? a[a.size() - from_end] : 1;
    const int64_t y = from_end <= b.size() ? b[b.size() - from_end] : 1;
    if (x != y && x != 1 && y != 1) fits = false;
    out[d] = x == 1 ? y : x;
  }
  return out;
}

Dims broadcast_strides(const Dims& dims, const Dims& target) {
  const auto own = contiguous_strides(dims);
  Dims strides(target.size(), 0);
  const size_t lead = target.size() - dims.size();
  for (size_t d = 0; d < dims.size(); ++d) strides[lead + d] = dims[d] == 1 ? 0 : own[d];
  return strides;
}

}  // namespace braid::runner
