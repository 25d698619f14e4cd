// Whether a network that is evaluated computes by braid's own operators.
#pragma once
#include "braid/torch.h"

namespace braid::nn {

// While it lives, this thread's networks use braid's operators in evaluation too, where they do
// better than LibTorch's. Without it evaluation keeps to LibTorch's, which a capture understands
// and replays bit by bit. Scopes may lie in each other.
class OwnOperators {
 public:
  OwnOperators();
  ~OwnOperators();
  OwnOperators(const OwnOperators&) = delete;
  OwnOperators& operator=(const OwnOperators&) = delete;
  static bool in_scope();

 private:
  bool before_;
};

}  // namespace braid::nn
