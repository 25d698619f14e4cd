// The gradient of the weights of a 3x3 convolution, on several threads.
#pragma once
#include <c10/util/BFloat16.h>

#include <cstdint>

namespace braid::ops {

struct Conv3x3Shape {
  int64_t images = 0, height = 0, width = 0;
  int64_t in_chs = 0, out_chs = 0;  // multiples of 8
};

// Whether the processor has matrix units for bfloat16 and LibTorch lends its kernel for them.
bool conv3x3_weight_gradient_is_usable();
// dy [images,height,width,out_chs], x [images,height,width,in_chs] ->
// dw [out_chs,3,3,in_chs]. Each thread sums up images of its own; the sums are added at the end.
void conv3x3_weight_gradient_cpu(const c10::BFloat16* dy, const c10::BFloat16* x, float* dw,
                                 const Conv3x3Shape& shape);

}  // namespace braid::ops
