// Products of whole numbers: of quantized values, in 8 or 16 bits, summed in 32.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "braid/runner/op.h"

namespace braid::runner {

// Numbers of 8 bits: element (i, j) is at data[i * row_stride + j * column_stride]. Weights are
// int8 around 0.
struct ByteMatrix {
  const uint8_t* data = nullptr;
  bool is_weight = false;
  bool is_signed = false;
  int32_t zero_point = 0;
  int64_t row_stride = 0, column_stride = 1;
};

// Where a factor's panels come from: groups of numbers that are summed together lie side by side.
class IntegerSource {
 public:
  virtual ~IntegerSource() = default;
  // panel: [depth / group, width, group] of vectors first .. first + used of K numbers each, the
  // rest zeros; depth is K rounded up to the group. See Kernels::integer_tile.
  virtual void pack(int64_t first, int64_t used, int64_t width, std::byte* panel) const = 0;
};

// The rows of a matrix (or its columns, with the strides exchanged) as such vectors.
class ByteSource final : public IntegerSource {
 public:
  ByteSource(const Kernels& kernels, const ByteMatrix& matrix, int64_t K)
      : kernels_(kernels), matrix_(matrix), K_(K) {}
  void pack(int64_t first, int64_t used, int64_t width, std::byte* panel) const override;

 private:
  void encode(const uint8_t* from, int64_t count, std::byte* to) const;

  const Kernels& kernels_;
  ByteMatrix matrix_;
  int64_t K_;
};

// out[M,N] = finish((sums + offsets) * scale * scales), see Kernels::finish_integers.
struct IntegerProduct {
  int64_t M = 0, N = 0, K = 0;
  // Of each factor one of the two: packed, or a source.
  const std::byte* left_packed = nullptr;
  const IntegerSource* left = nullptr;
  const std::byte* right_packed = nullptr;
  const IntegerSource* right = nullptr;

  // One of the two: numbers, or bytes as `quantization` makes them of these.
  float* out = nullptr;
  uint8_t* out_bytes = nullptr;
  Quantization quantization = {};
  bool is_signed = false;
  int64_t out_stride = 0;
  float scale = 1;
  const float* row_scales = nullptr;        // [M]
  const float* column_scales = nullptr;     // [N]
  const int32_t* row_offsets = nullptr;     // [M]
  const int32_t* column_offsets = nullptr;  // [N]
  const float* row_bias = nullptr;          // [M]
  const float* column_bias = nullptr;       // [N]
  const float* residual = nullptr;          // laid out as out
  Activation activation = {};
};

void multiply(const RunContext& context, const IntegerProduct& product);

// All vectors of a constant factor; width: rows or columns of a tile.
std::shared_ptr<std::byte> pack_integers(const RunContext& context, const IntegerSource& source,
                                         int64_t vectors, int64_t K, int64_t width);
// What sums are too large by where the kernels leave the zero point in the values that `weights`
// are multiplied with: of each of the weights' vectors, negative, to be added. Zeros elsewhere.
std::vector<int32_t> zero_point_offsets(const Kernels& kernels, const ByteMatrix& weights,
                                        int64_t vectors, int64_t K, const ByteMatrix& values);

}  // namespace braid::runner
