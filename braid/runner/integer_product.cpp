#include "braid/runner/integer_product.h"

#include <algorithm>
#include <cstring>

namespace braid::runner {
namespace {

constexpr int64_t kIntegerBlockBytes = 128 << 10;
constexpr int64_t kGroupBytes = 4;
constexpr int32_t kToUnsigned = 128;  // what makes int8 uint8

int64_t panels_of(int64_t total, int64_t width) { return (total + width - 1) / width; }
int64_t rounded_up(int64_t K, int64_t group) { return panels_of(K, group) * group; }

class IntegerWorker {
 public:
  // scratch: none where only its size is asked for.
  IntegerWorker(const Kernels& kernels, const IntegerProduct& product, std::byte* scratch)
      : kernels_(kernels),
        p_(product),
        rows_(kernels.integer_rows),
        columns_(kernels.integer_columns),
        depth_(rounded_up(product.K, kernels.group)),
        vector_bytes_(depth_ / kernels.group * kGroupBytes),
        right_scratch_(scratch),
        left_scratch_(scratch == nullptr ? nullptr : scratch + right_bytes()),
        sums_(scratch == nullptr ? nullptr
                                 : reinterpret_cast<int32_t*>(left_scratch_ + left_bytes())) {}

  int64_t scratch_bytes() const {
    const int64_t row = block_columns() * columns_;
    return right_bytes() + left_bytes() + rows_ * row * 4 + (p_.out_bytes == nullptr ? 0 : row * 4);
  }

  void compute(int64_t row_begin, int64_t row_end, int64_t column_begin, int64_t column_end) const {
    for (int64_t j = column_begin; j < column_end; j += block_columns()) {
      const int64_t j_end = std::min(column_end, j + block_columns());
      const std::byte* right = right_block(j, j_end);
      for (int64_t i = row_begin; i < row_end; ++i) {
        const std::byte* left = left_panel(i);
        const int64_t used = std::min(rows_, p_.M - i * rows_), width = (j_end - j) * columns_;
        for (int64_t k = j; k < j_end; ++k)
          kernels_.integer_tile(used, depth_, left, right + (k - j) * columns_ * vector_bytes_,
                                p_.left != nullptr, sums_ + (k - j) * columns_, width);
        for (int64_t r = 0; r < used; ++r) finish(i * rows_ + r, j * columns_, r, width);
      }
    }
  }

 private:
  int64_t block_columns() const {
    const int64_t all = panels_of(p_.N, columns_);
    if (p_.right == nullptr) return std::min<int64_t>(all, 64);
    return std::min(all, std::max<int64_t>(1, kIntegerBlockBytes / (vector_bytes_ * columns_ + 1)));
  }
  // Both end at a multiple of a cache line, so that the sums are aligned.
  int64_t right_bytes() const {
    return p_.right == nullptr ? 0 : rounded_up(block_columns() * columns_ * vector_bytes_, 64);
  }
  int64_t left_bytes() const {
    return p_.left == nullptr ? 0 : rounded_up(rows_ * vector_bytes_, 64);
  }

  const std::byte* right_block(int64_t begin, int64_t end) const {
    if (p_.right == nullptr) return p_.right_packed + begin * columns_ * vector_bytes_;
    for (int64_t j = begin; j < end; ++j)
      p_.right->pack(j * columns_, std::min(columns_, p_.N - j * columns_), columns_,
                     right_scratch_ + (j - begin) * columns_ * vector_bytes_);
    return right_scratch_;
  }
  const std::byte* left_panel(int64_t i) const {
    if (p_.left == nullptr) return p_.left_packed + i * rows_ * vector_bytes_;
    p_.left->pack(i * rows_, std::min(rows_, p_.M - i * rows_), rows_, left_scratch_);
    return left_scratch_;
  }

  void finish(int64_t row, int64_t column, int64_t r, int64_t width) const {
    const int64_t n = std::min(width, p_.N - column), at = row * p_.out_stride + column;
    float* out = p_.out_bytes == nullptr
                     ? p_.out + at
                     : reinterpret_cast<float*>(sums_ + rows_ * block_columns() * columns_);
    const auto from = [&](const auto* numbers) {
      return numbers == nullptr ? nullptr : numbers + column;
    };
    kernels_.finish_integers(
        sums_ + r * width, out, n,
        {.scale = p_.row_scales == nullptr ? p_.scale : p_.scale * p_.row_scales[row],
         .scales = from(p_.column_scales),
         .offset = p_.row_offsets == nullptr ? 0 : p_.row_offsets[row],
         .offsets = from(p_.column_offsets)},
        {.bias = p_.row_bias == nullptr ? 0 : p_.row_bias[row],
         .column_bias = from(p_.column_bias),
         .residual = p_.residual == nullptr ? nullptr : p_.residual + at,
         .activation = p_.activation});
    if (p_.out_bytes != nullptr)
      kernels_.quantize(out, p_.out_bytes + at, n, p_.quantization, p_.is_signed);
  }

  const Kernels& kernels_;
  const IntegerProduct& p_;
  int64_t rows_, columns_, depth_, vector_bytes_;
  std::byte *right_scratch_, *left_scratch_;
  int32_t* sums_;
};

}  // namespace

// As the kernels take them: int16 less the zero point, or bytes, of which int8 values become uint8.
void ByteSource::encode(const uint8_t* from, int64_t count, std::byte* to) const {
  const int64_t step = matrix_.column_stride;
  if (kernels_.group == 4) {
    const auto flip = static_cast<uint8_t>(matrix_.is_signed && !matrix_.is_weight ? 0x80 : 0);
    auto* bytes = reinterpret_cast<uint8_t*>(to);
    if (step == 1 && flip == 0)
      std::memcpy(bytes, from, static_cast<size_t>(count));
    else
      for (int64_t i = 0; i < count; ++i) bytes[i] = from[i * step] ^ flip;
    return;
  }
  auto* numbers = reinterpret_cast<int16_t*>(to);
  const auto zero = static_cast<int16_t>(matrix_.zero_point);
  if (matrix_.is_signed)
    for (int64_t i = 0; i < count; ++i)
      numbers[i] = static_cast<int16_t>(static_cast<int8_t>(from[i * step]) - zero);
  else
    for (int64_t i = 0; i < count; ++i) numbers[i] = static_cast<int16_t>(from[i * step] - zero);
}

// Rows of groups are the columns of a panel: groups are moved as what has as many bytes.
void ByteSource::pack(int64_t first, int64_t used, int64_t width, std::byte* panel) const {
  constexpr int64_t kGroups = 32;  // of each row at a time
  constexpr int64_t kRowBytes = kGroups * kGroupBytes;
  alignas(64) std::byte rows[kMostTileWidth * kRowBytes];
  std::memset(rows, 0, static_cast<size_t>(width * kRowBytes));
  const int64_t group = kernels_.group, step = kGroups * group;
  for (int64_t k = 0; k < K_; k += step, panel += width * kRowBytes) {
    const int64_t count = std::min(step, K_ - k);
    for (int64_t v = 0; v < used; ++v) {
      std::byte* row = rows + v * kRowBytes;
      if (count % group != 0) std::memset(row + count / group * kGroupBytes, 0, kGroupBytes);
      encode(matrix_.data + (first + v) * matrix_.row_stride + k * matrix_.column_stride, count,
             row);
    }
    kernels_.transpose(reinterpret_cast<const float*>(rows), kGroups, width,
                       panels_of(count, group), reinterpret_cast<float*>(panel), width);
  }
}

void multiply(const RunContext& context, const IntegerProduct& product) {
  if (product.M == 0 || product.N == 0) return;
  const Kernels& kernels = context.kernels;
  const auto scratch = context.scratch(IntegerWorker(kernels, product, nullptr).scratch_bytes());
  const int64_t row_panels = panels_of(product.M, kernels.integer_rows);
  const int64_t column_panels = panels_of(product.N, kernels.integer_columns);
  // A factor that is packed here is packed by one thread only.
  const bool by_columns =
      product.left == nullptr &&
      (column_panels >= int64_t{2} * context.threads.size() || column_panels >= row_panels);
  context.threads.split(by_columns ? column_panels : row_panels, 1,
                        [&](int64_t begin, int64_t end, int thread) {
                          const IntegerWorker worker(kernels, product, scratch.of(thread));
                          if (by_columns)
                            worker.compute(0, row_panels, begin, end);
                          else
                            worker.compute(begin, end, 0, column_panels);
                        });
}

std::shared_ptr<std::byte> pack_integers(const RunContext& context, const IntegerSource& source,
                                         int64_t vectors, int64_t K, int64_t width) {
  const int64_t panel = panels_of(K, context.kernels.group) * kGroupBytes * width;
  auto bytes = context.pool.allocate(static_cast<uint64_t>(panels_of(vectors, width) * panel));
  for (int64_t i = 0; i < panels_of(vectors, width); ++i)
    source.pack(i * width, std::min(width, vectors - i * width), width, bytes.get() + i * panel);
  return bytes;
}

std::vector<int32_t> zero_point_offsets(const Kernels& kernels, const ByteMatrix& weights,
                                        int64_t vectors, int64_t K, const ByteMatrix& values) {
  std::vector<int32_t> offsets(static_cast<size_t>(vectors), 0);
  if (kernels.group != 4) return offsets;
  const int64_t zero = values.zero_point + (values.is_signed ? kToUnsigned : 0);
  for (int64_t v = 0; v < vectors; ++v) {
    int64_t sum = 0;
    for (int64_t k = 0; k < K; ++k)
      sum += static_cast<int8_t>(weights.data[v * weights.row_stride + k * weights.column_stride]);
    offsets[static_cast<size_t>(v)] = static_cast<int32_t>(-zero * sum);
  }
  return offsets;
}

}  // namespace braid::runner
