// A model that fails does not end the comparison of the others.
#pragma once
#include <exception>
#include <functional>
#include <optional>
#include <string>

#include "braid/core/error.h"

namespace braid::evaluate {

struct Failure {
  std::string what;  // "resnet20", "distillation"
  ExitCode code = ExitCode::kInternal;
  std::string message;
  std::exception_ptr error;  // itself
};

// Runs `work` and says why it failed, if it did: with any error, LibTorch's and those of memory
// that ran out among them.
std::optional<Failure> failure_of(const std::string& what, const std::function<void()>& work);

}  // namespace braid::evaluate
