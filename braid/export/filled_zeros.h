// Random numbers in place of zeros, for a proof.
#pragma once
#include <functional>
#include <utility>
#include <vector>

#include "braid/torch.h"

namespace braid::onnx {

// Parameters that are all zeros hide faults: a new classifier says 0 whatever it reads, a branch
// whose gain is 0 says nothing. Here they have random numbers for a scope.
class FilledZeros {
 public:
  explicit FilledZeros(torch::nn::Module& module);
  ~FilledZeros();
  FilledZeros(const FilledZeros&) = delete;
  FilledZeros& operator=(const FilledZeros&) = delete;

  bool any() const { return !filled_.empty(); }

 private:
  std::vector<std::pair<torch::Tensor, torch::Tensor>> filled_;  // parameter, its zeros
};

// Calls `prove` with them where the module has any such parameter. Throws InternalError that says
// of which numbers it speaks.
void prove_with_filled_zeros(torch::nn::Module& module, const std::function<void()>& prove);

}  // namespace braid::onnx
