#include "braid/runner/product.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "braid/runner/ops/activation.h"

namespace braid::runner {
namespace {

// A panel of the left factor stays in the first cache, a block of the right one in the second.
constexpr int64_t kMostDepth = 384;
constexpr int64_t kRightBlockColumns = 256;

int64_t parts(int64_t total, int64_t size) { return (total + size - 1) / size; }

// Depth of a block: even parts.
int64_t depth_of(int64_t K) { return K == 0 ? 1 : parts(K, parts(K, kMostDepth)); }

// panel: [depth, rows]
void pack_left_panel(const Kernels& kernels, const Matrix& left, int64_t first, int64_t used,
                     int64_t k, int64_t depth, float* panel) {
  const int64_t rows = kernels.rows;
  if (used == rows && left.column_stride == 1)
    return kernels.transpose(left.data + first * left.row_stride + k, left.row_stride, rows, depth,
                             panel, rows);
  for (int64_t r = 0; r < rows; ++r) {
    if (r >= used) {
      for (int64_t d = 0; d < depth; ++d) panel[d * rows + r] = 0;
      continue;
    }
    const float* from = left.data + (first + r) * left.row_stride + k * left.column_stride;
    for (int64_t d = 0; d < depth; ++d) panel[d * rows + r] = from[d * left.column_stride];
  }
}

// The part of a product that one thread computes: panels [begin, end) of rows and columns.
struct Part {
  int64_t row_begin, row_end, column_begin, column_end;
};

class Worker {
 public:
  // scratch: none where only its size is asked for.
  Worker(const Kernels& kernels, const Product& product, float* scratch)
      : kernels_(kernels),
        p_(product),
        rows_(kernels.rows),
        columns_(kernels.columns),
        depth_(depth_of(product.K)),
        bounds_(bounds_of(product.activation)),
        right_scratch_(scratch) {}

  int64_t scratch_floats() const {
    return p_.right == nullptr ? 0 : right_panels() * columns_ * depth_;
  }

  void compute(const Part& part) const {
    for (int64_t j = part.column_begin; j < part.column_end; j += right_panels())
      columns({part.row_begin, part.row_end, j, std::min(part.column_end, j + right_panels())});
  }

 private:
  // Panels in a block.
  int64_t right_panels() const {
    if (p_.right == nullptr) return parts(p_.N, columns_) + 1;
    return std::min(parts(p_.N, columns_), std::max<int64_t>(1, kRightBlockColumns / columns_));
  }
  int64_t used_rows(int64_t panel) const { return std::min(rows_, p_.M - panel * rows_); }
  int64_t used_columns(int64_t panel) const { return std::min(columns_, p_.N - panel * columns_); }

  const float* right_block(const Part& part, int64_t k, int64_t depth) const {
    if (p_.right == nullptr)
      return p_.right_packed + k * parts(p_.N, columns_) * columns_ +
             part.column_begin * columns_ * depth;
    for (int64_t j = part.column_begin; j < part.column_end; ++j)
      p_.right->pack(k, depth, j * columns_, used_columns(j), columns_,
                     right_scratch_ + (j - part.column_begin) * columns_ * depth);
    return right_scratch_;
  }

  // Rows of a panel of the left factor, as it was packed or as it is.
  Matrix left_panel(int64_t row, int64_t k, int64_t depth) const {
    if (p_.left_packed != nullptr)
      return {.data = p_.left_packed + k * parts(p_.M, rows_) * rows_ + row * rows_ * depth,
              .row_stride = 1,
              .column_stride = rows_,
              .is_panel = true};
    Matrix panel = p_.left;
    panel.data += row * rows_ * panel.row_stride + k * panel.column_stride;
    return panel;
  }

  void columns(const Part& part) const {
    if (p_.K == 0) return empty_sums(part);
    for (int64_t k = 0; k < p_.K; k += depth_) {
      const int64_t depth = std::min(depth_, p_.K - k);
      const float* right = right_block(part, k, depth);
      for (int64_t i = part.row_begin; i < part.row_end; ++i) {
        const Matrix left = left_panel(i, k, depth);
        for (int64_t j = part.column_begin; j < part.column_end; ++j) {
          const bool is_last = k + depth == p_.K;
          tile(i, j, depth, left, right + (j - part.column_begin) * columns_ * depth, k > 0,
               is_last);
          if (is_last && !bounds_) finish(i, j);
        }
      }
    }
  }

  float* tile_at(int64_t row, int64_t column) const {
    return p_.out + row * rows_ * p_.out_stride + column * columns_;
  }

  // Numbers of a list, or of none.
  static const float* from(const float* numbers, int64_t at) {
    return numbers == nullptr ? nullptr : numbers + at;
  }

  void tile(int64_t row, int64_t column, int64_t depth, const Matrix& left, const float* right,
            bool add, bool is_last) const {
    TileFinish finish;
    const bool finishes = is_last && bounds_ && !is_bare();
    if (finishes)
      finish = {.row_bias = from(p_.row_bias, row * rows_),
                .column_bias = from(p_.column_bias, column * columns_),
                .residual = from(p_.residual, row * rows_ * p_.out_stride + column * columns_),
                .low = bounds_->low,
                .high = bounds_->high};
    kernels_.tile(used_rows(row), used_columns(column), depth, left, right, tile_at(row, column),
                  p_.out_stride, add, finishes ? &finish : nullptr);
  }

  // Whether nothing follows the sums.
  bool is_bare() const {
    return p_.row_bias == nullptr && p_.column_bias == nullptr && p_.residual == nullptr &&
           p_.activation.function == Function::kIdentity;
  }

  void empty_sums(const Part& part) const {
    for (int64_t row = part.row_begin; row < part.row_end; ++row)
      for (int64_t column = part.column_begin; column < part.column_end; ++column) {
        for (int64_t r = 0; r < used_rows(row); ++r)
          std::fill_n(tile_at(row, column) + r * p_.out_stride, used_columns(column), 0.0f);
        finish(row, column);
      }
  }

  // Of a tile while it is at hand.
  void finish(int64_t row, int64_t column) const {
    if (is_bare()) return;
    const int64_t i = row * rows_, j = column * columns_;
    float* out = tile_at(row, column);
    kernels_.finish(out, p_.out_stride, out, p_.out_stride, used_rows(row), used_columns(column),
                    {.row_bias = from(p_.row_bias, i),
                     .column_bias = from(p_.column_bias, j),
                     .residual = from(p_.residual, i * p_.out_stride + j),
                     .activation = p_.activation});
  }

  const Kernels& kernels_;
  const Product& p_;
  int64_t rows_, columns_, depth_;
  std::optional<Bounds> bounds_;  // of what follows, where tiles can do it
  float* right_scratch_;
};

}  // namespace

void MatrixSource::pack(int64_t k, int64_t depth, int64_t n, int64_t used, int64_t columns,
                        float* panel) const {
  const float* from = matrix_.data + k * matrix_.row_stride + n * matrix_.column_stride;
  if (matrix_.column_stride == 1) {
    for (int64_t d = 0; d < depth; ++d) {
      float* to = panel + d * columns;
      std::memcpy(to, from + d * matrix_.row_stride, static_cast<size_t>(used) * sizeof(float));
      for (int64_t c = used; c < columns; ++c) to[c] = 0;
    }
    return;
  }
  for (int64_t c = 0; c < columns; ++c)
    for (int64_t d = 0; d < depth; ++d)
      panel[d * columns + c] =
          c < used ? from[d * matrix_.row_stride + c * matrix_.column_stride] : 0;
}

int64_t product_scratch(const Kernels& kernels, const Product& product) {
  return Worker(kernels, product, nullptr).scratch_floats() * 4 + static_cast<int64_t>(kAlignment);
}

void multiply_here(const Kernels& kernels, const Product& product, float* scratch) {
  Worker(kernels, product, scratch)
      .compute({0, parts(product.M, kernels.rows), 0, parts(product.N, kernels.columns)});
}

namespace {

// Whether each thread is to have rows of its own, though their columns would be divided more evenly
// and the right factor packed once. Threads that write parts of the same rows take each other's
// cache lines where parts are shorter than a page, since processors fetch beyond the end of a part:
// some 0.3 us a row on an AMD EPYC, where two threads were then slower than one.
bool takes_own_rows(const Product& product, int64_t row_panels, int64_t threads) {
  constexpr int64_t kPage = 1024, kMostPacked = 8'000;  // numbers; numbers a row
  if (threads == 1 || product.N >= kPage * threads) return false;
  if (4 * row_panels < 3 * threads * parts(row_panels, threads)) return false;
  return product.right == nullptr ||
         product.K * product.N * product.right->cost() <= kMostPacked * product.M;
}

}  // namespace

void multiply(const RunContext& context, const Product& product) {
  if (product.M == 0 || product.N == 0) return;
  const auto scratch = context.scratch(product_scratch(context.kernels, product));
  const int64_t row_panels = parts(product.M, context.kernels.rows);
  const int64_t column_panels = parts(product.N, context.kernels.columns);
  // A thread has some work, or waking it costs more than it does.
  const double multiplications = static_cast<double>(product.M) * static_cast<double>(product.N) *
                                 static_cast<double>(product.K);
  constexpr double kLeast = 100'000;
  // By rows where that leaves each thread some and no rows are packed, or parts of rows would be
  // short; else by what there is more of.
  const auto many = int64_t{2} * context.threads.size();
  const bool by_columns = (product.left_packed != nullptr || row_panels < many) &&
                          (column_panels >= many || column_panels >= row_panels) &&
                          !takes_own_rows(product, row_panels, context.threads.size());
  const int64_t panels = by_columns ? column_panels : row_panels;
  const int64_t grain = std::max<int64_t>(
      1, static_cast<int64_t>(static_cast<double>(panels) *
                              std::min(1.0, kLeast / std::max(1.0, multiplications))));
  context.threads.split(panels, grain, [&](int64_t begin, int64_t end, int thread) {
    const Worker worker(context.kernels, product, scratch.floats_of(thread));
    if (by_columns)
      worker.compute({0, row_panels, begin, end});
    else
      worker.compute({begin, end, 0, column_panels});
  });
}

std::shared_ptr<std::byte> pack_left(const RunContext& context, const Matrix& left, int64_t M,
                                     int64_t K) {
  const int64_t rows = context.kernels.rows, panels = parts(M, rows), block = depth_of(K);
  auto bytes = context.pool.allocate(static_cast<uint64_t>(panels * rows * K) * sizeof(float));
  auto* out = reinterpret_cast<float*>(bytes.get());
  for (int64_t k = 0; k < K; k += block) {
    const int64_t depth = std::min(block, K - k);
    for (int64_t i = 0; i < panels; ++i)
      pack_left_panel(context.kernels, left, i * rows, std::min(rows, M - i * rows), k, depth,
                      out + k * panels * rows + i * rows * depth);
  }
  return bytes;
}

std::shared_ptr<std::byte> pack_right(const RunContext& context, const RightSource& right,
                                      int64_t K, int64_t N) {
  const int64_t columns = context.kernels.columns, panels = parts(N, columns), block = depth_of(K);
  auto bytes = context.pool.allocate(static_cast<uint64_t>(panels * columns * K) * sizeof(float));
  auto* out = reinterpret_cast<float*>(bytes.get());
  for (int64_t k = 0; k < K; k += block) {
    const int64_t depth = std::min(block, K - k);
    for (int64_t j = 0; j < panels; ++j)
      right.pack(k, depth, j * columns, std::min(columns, N - j * columns), columns,
                 out + k * panels * columns + j * columns * depth);
  }
  return bytes;
}

}  // namespace braid::runner
