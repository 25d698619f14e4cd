#include "braid/runner/integer_product.h"

#include <algorithm>

namespace braid::runner {
namespace {

constexpr int64_t kIntegerBlockBytes = 128 << 10;

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
        right_scratch_(reinterpret_cast<int16_t*>(scratch)),
        left_scratch_(scratch == nullptr ? nullptr : right_scratch_ + right_numbers()),
        sums_(scratch == nullptr ? nullptr
                                 : reinterpret_cast<int32_t*>(left_scratch_ + left_numbers())) {}

  int64_t scratch_bytes() const {
    const int64_t row = block_columns() * columns_;
    return (right_numbers() + left_numbers()) * 2 + rows_ * row * 4 +
           (p_.out_bytes == nullptr ? 0 : row * 4);
  }

  void compute(int64_t row_begin, int64_t row_end, int64_t column_begin, int64_t column_end) const {
    for (int64_t j = column_begin; j < column_end; j += block_columns()) {
      const int64_t j_end = std::min(column_end, j + block_columns());
      const int16_t* right = right_block(j, j_end);
      for (int64_t i = row_begin; i < row_end; ++i) {
        const int16_t* left = left_panel(i);
        const int64_t used = std::min(rows_, p_.M - i * rows_), width = (j_end - j) * columns_;
        for (int64_t k = j; k < j_end; ++k)
          kernels_.integer_tile(used, depth_, left, right + (k - j) * columns_ * depth_,
                                sums_ + (k - j) * columns_, width);
        for (int64_t r = 0; r < used; ++r) finish(i * rows_ + r, j * columns_, r, width);
      }
    }
  }

 private:
  int64_t block_columns() const {
    const int64_t all = panels_of(p_.N, columns_);
    if (p_.right == nullptr) return std::min<int64_t>(all, 64);
    return std::min(all, std::max<int64_t>(1, kIntegerBlockBytes / (depth_ * columns_ * 2 + 1)));
  }
  // Both end at a multiple of a cache line, so that the sums are aligned.
  int64_t right_numbers() const {
    return p_.right == nullptr ? 0 : rounded_up(block_columns() * columns_ * depth_, 32);
  }
  int64_t left_numbers() const { return p_.left == nullptr ? 0 : rounded_up(rows_ * depth_, 32); }

  const int16_t* right_block(int64_t begin, int64_t end) const {
    if (p_.right == nullptr) return p_.right_packed + begin * columns_ * depth_;
    for (int64_t j = begin; j < end; ++j)
      p_.right->pack(j * columns_, std::min(columns_, p_.N - j * columns_), columns_,
                     kernels_.group, right_scratch_ + (j - begin) * columns_ * depth_);
    return right_scratch_;
  }
  const int16_t* left_panel(int64_t i) const {
    if (p_.left == nullptr) return p_.left_packed + i * rows_ * depth_;
    p_.left->pack(i * rows_, std::min(rows_, p_.M - i * rows_), rows_, kernels_.group,
                  left_scratch_);
    return left_scratch_;
  }

  void finish(int64_t row, int64_t column, int64_t r, int64_t width) const {
    const int64_t n = std::min(width, p_.N - column), at = row * p_.out_stride + column;
    float* out = p_.out_bytes == nullptr
                     ? p_.out + at
                     : reinterpret_cast<float*>(sums_ + rows_ * block_columns() * columns_);
    kernels_.finish_integers(
        sums_ + r * width, out, n,
        p_.row_scales == nullptr ? p_.scale : p_.scale * p_.row_scales[row],
        p_.column_scales == nullptr ? nullptr : p_.column_scales + column,
        {.bias = p_.row_bias == nullptr ? 0 : p_.row_bias[row],
         .column_bias = p_.column_bias == nullptr ? nullptr : p_.column_bias + column,
         .residual = p_.residual == nullptr ? nullptr : p_.residual + at,
         .activation = p_.activation});
    if (p_.out_bytes != nullptr)
      kernels_.quantize(out, p_.out_bytes + at, n, p_.quantization, p_.is_signed);
  }

  const Kernels& kernels_;
  const IntegerProduct& p_;
  int64_t rows_, columns_, depth_;
  int16_t *right_scratch_, *left_scratch_;
  int32_t* sums_;
};

}  // namespace

void ByteSource::pack(int64_t first, int64_t used, int64_t width, int64_t group,
                      int16_t* panel) const {
  if (matrix_.column_stride == 1 && used == width && group == 2)
    return pack_pairs(first, width, panel);
  const int64_t depth = rounded_up(K_, group);
  for (int64_t v = 0; v < width; ++v) {
    const uint8_t* from = matrix_.data + (first + v) * matrix_.row_stride;
    for (int64_t k = 0; k < depth; ++k)
      panel[(k / group * width + v) * group + k % group] =
          v < used && k < K_ ? number(from[k * matrix_.column_stride]) : int16_t{0};
  }
}

// Rows of pairs are the columns of a panel: pairs are moved as what has as many bytes.
void ByteSource::pack_pairs(int64_t first, int64_t width, int16_t* panel) const {
  constexpr int64_t kStep = 64;  // numbers of each row at a time
  alignas(64) int16_t rows[kMostWidth * kStep];
  for (int64_t k = 0; k < K_; k += kStep) {
    const int64_t count = std::min(kStep, K_ - k), pairs = (count + 1) / 2;
    for (int64_t v = 0; v < width; ++v) {
      const uint8_t* from = matrix_.data + (first + v) * matrix_.row_stride + k;
      int16_t* to = rows + v * kStep;
      for (int64_t i = 0; i < count; ++i) to[i] = number(from[i]);
      if (count % 2 != 0) to[count] = 0;
    }
    kernels_.transpose(reinterpret_cast<const float*>(rows), kStep / 2, width, pairs,
                       reinterpret_cast<float*>(panel + k * width), width);
  }
}

void multiply(const RunContext& context, const IntegerProduct& product) {
  if (product.M == 0 || product.N == 0) return;
  const Kernels& kernels = context.kernels;
  const int64_t bytes =
      rounded_up(IntegerWorker(kernels, product, nullptr).scratch_bytes(), kAlignment);
  const auto scratch = context.scratch(bytes);
  const int64_t row_panels = panels_of(product.M, kernels.integer_rows);
  const int64_t column_panels = panels_of(product.N, kernels.integer_columns);
  // A factor that is packed here is packed by one thread only.
  const bool by_columns =
      product.left == nullptr &&
      (column_panels >= int64_t{2} * context.threads.size() || column_panels >= row_panels);
  context.threads.split(
      by_columns ? column_panels : row_panels, 1, [&](int64_t begin, int64_t end, int thread) {
        const IntegerWorker worker(kernels, product, scratch.get() + thread * bytes);
        if (by_columns)
          worker.compute(0, row_panels, begin, end);
        else
          worker.compute(begin, end, 0, column_panels);
      });
}

std::shared_ptr<std::byte> pack_integers(const RunContext& context, const IntegerSource& source,
                                         int64_t vectors, int64_t K, int64_t width) {
  const int64_t group = context.kernels.group, panel = rounded_up(K, group) * width;
  auto bytes = context.pool.allocate(static_cast<uint64_t>(panels_of(vectors, width) * panel) * 2);
  auto* out = reinterpret_cast<int16_t*>(bytes.get());
  for (int64_t i = 0; i < panels_of(vectors, width); ++i)
    source.pack(i * width, std::min(width, vectors - i * width), width, group, out + i * panel);
  return bytes;
}

}  // namespace braid::runner
