// The inner loops of batch norm with an activation, compiled once for each family of processors.
#pragma once
#include <stdint.h>

#include "braid/ops/kernels/activation_kernels.h"

namespace braid::ops {

// Rows of numbers that lie one after another. Where channels are few, a row holds several pixels,
// so that there is enough to do between two uses of one sum; what belongs to a channel is then
// repeated.
struct Block {
  int64_t rows = 0, width = 0;
  bool bfloat16 = false;  // the numbers, else float32; what belongs to a channel is float32
};

// z = (x - mean) * scale + bias, `width` of each.
struct Affine {
  const float *mean = nullptr, *scale = nullptr, *bias = nullptr;
};

// x: what was normalized; dy: the gradient of what came out.
struct BatchNormActKernels {
  const char* name;
  // sums = sum over rows of (x - center), squares of its square; both are written over.
  void (*moments)(const void* x, Block block, const float* center, float* sums, float* squares);
  // y = act(z)
  void (*apply)(const void* x, void* y, Block block, Affine affine, Activation activation);
  // With g = dy * act'(z): sums = sum over rows of g, products of g * (x - mean); written over.
  void (*reduce)(const void* dy, const void* x, Block block, Affine affine, Activation activation,
                 float* sums, float* products);
  // dx = scale * g + slope * (x - mean) + offset
  void (*gradient)(const void* dy, const void* x, void* dx, Block block, Affine affine,
                   Activation activation, const float* slope, const float* offset);
};

const BatchNormActKernels& baseline_batch_norm_act();
const BatchNormActKernels& avx2_batch_norm_act();
const BatchNormActKernels& avx512_batch_norm_act();
const BatchNormActKernels& avx512bf16_batch_norm_act();

}  // namespace braid::ops
