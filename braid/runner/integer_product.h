// Products of whole numbers: of quantized values, in 16 bits, summed in 32.
#pragma once
#include <cstdint>
#include <memory>

#include "braid/runner/op.h"

namespace braid::runner {

// Numbers of 8 bits less their zero point: element (i, j) is at data[i * row_stride + j *
// column_stride].
struct ByteMatrix {
  const uint8_t* data = nullptr;
  bool is_signed = false;
  int32_t zero_point = 0;
  int64_t row_stride = 0, column_stride = 1;
};

// Where a factor's panels come from: groups of numbers that are summed together lie side by side.
class IntegerSource {
 public:
  virtual ~IntegerSource() = default;
  // panel: [depth / group, width, group] of vectors first .. first + used of K numbers each, the
  // rest zeros; depth is K rounded up to the group.
  virtual void pack(int64_t first, int64_t used, int64_t width, int64_t group,
                    int16_t* panel) const = 0;
};

// The rows of a matrix (or its columns, with the strides exchanged) as such vectors.
class ByteSource final : public IntegerSource {
 public:
  ByteSource(const Kernels& kernels, const ByteMatrix& matrix, int64_t K)
      : kernels_(kernels), matrix_(matrix), K_(K) {}
  void pack(int64_t first, int64_t used, int64_t width, int64_t group,
            int16_t* panel) const override;

 private:
  static constexpr int64_t kMostWidth = 64;  // rows or columns of any kernel's tile
  void pack_pairs(int64_t first, int64_t width, int16_t* panel) const;
  int16_t number(uint8_t byte) const {
    const int32_t stored = matrix_.is_signed ? static_cast<int8_t>(byte) : byte;
    return static_cast<int16_t>(stored - matrix_.zero_point);
  }

  const Kernels& kernels_;
  ByteMatrix matrix_;
  int64_t K_;
};

// out[M,N] = finish(scale * scales * sum), see Kernels::finish_integers.
struct IntegerProduct {
  int64_t M = 0, N = 0, K = 0;
  // Of each factor one of the two: packed, or a source.
  const int16_t* left_packed = nullptr;
  const IntegerSource* left = nullptr;
  const int16_t* right_packed = nullptr;
  const IntegerSource* right = nullptr;

  // One of the two: numbers, or bytes as `quantization` makes them of these.
  float* out = nullptr;
  uint8_t* out_bytes = nullptr;
  Quantization quantization = {};
  bool is_signed = false;
  int64_t out_stride = 0;
  float scale = 1;
  const float* row_scales = nullptr;     // [M]
  const float* column_scales = nullptr;  // [N]
  const float* row_bias = nullptr;       // [M]
  const float* column_bias = nullptr;    // [N]
  const float* residual = nullptr;       // laid out as out
  Activation activation = {};
};

void multiply(const RunContext& context, const IntegerProduct& product);

// All vectors of a constant factor; width: rows or columns of a tile.
std::shared_ptr<std::byte> pack_integers(const RunContext& context, const IntegerSource& source,
                                         int64_t vectors, int64_t K, int64_t width);

}  // namespace braid::runner
