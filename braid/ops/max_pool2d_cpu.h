// Max pooling by two of channels-last maps, on several threads.
#pragma once
#include <vector>

#include "braid/ops/kernels/max_pool2d_kernels.h"

namespace braid::ops {

// Those for this processor: of the level that the runner's kernels choose. All that it can run, the
// fastest first.
const MaxPoolKernels& max_pool2d_kernels();
std::vector<const MaxPoolKernels*> usable_max_pool2d_kernels();

// Of what is pooled; both sides have two pixels at least.
struct UnpooledMaps {
  int64_t images = 0, height = 0, width = 0, chans = 0;
  bool bfloat16 = false;
};

class MaxPoolPasses {
 public:
  MaxPoolPasses(const MaxPoolKernels& kernels, const UnpooledMaps& maps)
      : kernels_(kernels), maps_(maps) {}

  // y and winners: [images, height / 2, width / 2, chans].
  void forward(const void* x, void* y, uint8_t* winners) const;
  // Writes every number of dx once.
  void backward(const void* dy, const uint8_t* winners, void* dx) const;

 private:
  template <class Work>
  void over_rows(Work work) const;

  const MaxPoolKernels& kernels_;
  UnpooledMaps maps_;
};

}  // namespace braid::ops
