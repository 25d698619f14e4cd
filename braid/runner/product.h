// Matrix products: out[M,N] = finish(left[M,K] right[K,N]), in tiles of packed panels.
#pragma once
#include <cstdint>
#include <memory>

#include "braid/runner/op.h"

namespace braid::runner {

// Where the right factor's panels come from.
class RightSource {
 public:
  virtual ~RightSource() = default;
  // panel: [depth, columns]; rows k.. of the factor, `used` columns from n on, the rest zeros.
  virtual void pack(int64_t k, int64_t depth, int64_t n, int64_t used, int64_t columns,
                    float* panel) const = 0;
  // Of a number that is packed, roughly: how many could be copied instead.
  virtual int64_t cost() const { return 1; }
};

class MatrixSource final : public RightSource {
 public:
  explicit MatrixSource(const Matrix& matrix) : matrix_(matrix) {}
  void pack(int64_t k, int64_t depth, int64_t n, int64_t used, int64_t columns,
            float* panel) const override;

 private:
  Matrix matrix_;
};

struct Product {
  int64_t M = 0, N = 0, K = 0;
  // One of the two: packed by pack_left, or as it is.
  const float* left_packed = nullptr;
  Matrix left = {};
  // One of the two: packed by pack_right, or a source.
  const float* right_packed = nullptr;
  const RightSource* right = nullptr;

  float* out = nullptr;
  int64_t out_stride = 0;              // from row to row
  const float* row_bias = nullptr;     // [M]
  const float* column_bias = nullptr;  // [N]
  const float* residual = nullptr;     // laid out as out
  Activation activation = {};
};

// All of it, by all threads.
void multiply(const RunContext& context, const Product& product);
// All of it, by the thread that calls; scratch: product_scratch bytes.
void multiply_here(const Kernels& kernels, const Product& product, float* scratch);
int64_t product_scratch(const Kernels& kernels, const Product& product);  // bytes

// Constant factors, packed once.
std::shared_ptr<std::byte> pack_left(const RunContext& context, const Matrix& left, int64_t M,
                                     int64_t K);
std::shared_ptr<std::byte> pack_right(const RunContext& context, const RightSource& right,
                                      int64_t K, int64_t N);

}  // namespace braid::runner
