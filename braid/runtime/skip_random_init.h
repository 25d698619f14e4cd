// Modules that are made to be filled.
#pragma once
#include "braid/torch.h"

namespace braid::runtime {

// As long as one lives, uniform_() and normal_() of this thread (and what calls them, such as
// torch::nn::init and randn) leave the memory as they found it, and no generator moves. For modules
// whose parameters are all loaded next: drawing them costs 10 to 20 ns each, seconds for BERT.
// As transformers' no_init_weights and torch.nn.utils.skip_init.
class SkipRandomInit {
 public:
  SkipRandomInit();

 private:
  c10::impl::IncludeDispatchKeyGuard guard_;
};

}  // namespace braid::runtime
