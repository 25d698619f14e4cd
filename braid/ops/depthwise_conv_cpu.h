// Depthwise convolutions of channels-last maps, on several threads.
#pragma once
#include <vector>

#include "braid/ops/kernels/depthwise_conv_kernels.h"
#include "braid/ops/seen_rows.h"

namespace braid::ops {

// Those for this processor: of the level that the runner's kernels choose. All that it can run, the
// fastest first.
const DepthwiseConvKernels& depthwise_conv_kernels();
std::vector<const DepthwiseConvKernels*> usable_depthwise_conv_kernels();

// x is convolved to y; both are channels-last, one pixel after another.
struct DepthwiseShape {
  Maps x, y;
  int64_t chans = 0;
  int64_t kernel = 3, stride = 1, padding = 1;
  bool bfloat16 = false;  // x, y and their gradients, else float32
};

// Weights and their gradients are float32, [chans, kernel, kernel].
class DepthwiseConvPasses {
 public:
  DepthwiseConvPasses(const DepthwiseConvKernels& kernels, const DepthwiseShape& shape)
      : kernels_(kernels), shape_(shape) {}

  // bias: [chans], or none.
  void forward(const void* x, const float* weight, const float* bias, void* y) const;
  void gradient(const void* dy, const float* weight, void* dx) const;
  // dbias: [chans], or none. There are as many partial sums as threads, whose number changes no
  // more than rounding.
  void weight_gradient(const void* dy, const void* x, float* dweight, float* dbias) const;

 private:
  View view_of_x() const;
  void convolve(const View& view, const void* from, const float* weight, const float* bias,
                const Maps& outputs, void* to) const;

  const DepthwiseConvKernels& kernels_;
  DepthwiseShape shape_;
};

}  // namespace braid::ops
