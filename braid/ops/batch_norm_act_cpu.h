// The passes of the fused batch norm over rows of channels, on several threads.
#pragma once
#include <vector>

#include "braid/ops/kernels/batch_norm_act_kernels.h"

namespace braid::ops {

// Those for this processor: of the level that the runner's kernels choose. All that it can run, the
// fastest first.
const BatchNormActKernels& batch_norm_act_kernels();
std::vector<const BatchNormActKernels*> usable_batch_norm_act_kernels();

// [rows, chans] numbers that lie one after another.
struct Pixels {
  int64_t rows = 0, chans = 0;
  bool bfloat16 = false;
};

struct Moments {
  std::vector<double> mean, variance;  // of each channel; the variance is the biased one
};

class BatchNormActPasses {
 public:
  BatchNormActPasses(const BatchNormActKernels& kernels, Pixels pixels);

  Moments moments(const void* x) const;
  // affine: `chans` of each.
  void apply(const void* x, void* y, Affine affine, Activation activation) const;
  // Of each channel, with g = dy * act'(z): the sum of g, and of g * (x - mean).
  void reduce(const void* dy, const void* x, Affine affine, Activation activation, double* sums,
              double* products) const;
  // dx = scale * g + slope * (x - mean) + offset
  void gradient(const void* dy, const void* x, void* dx, Affine affine, Activation activation,
                const float* slope, const float* offset) const;

 private:
  template <class Work>
  void over_blocks(int64_t task, bool backwards, Work work) const;
  std::vector<float> repeated(const float* of_channels) const;

  const BatchNormActKernels& kernels_;
  Pixels pixels_;
  int64_t copies_;      // pixels in a row of a block
  int64_t block_rows_;  // pixels in a block
  int64_t blocks_, tasks_;
};

}  // namespace braid::ops
