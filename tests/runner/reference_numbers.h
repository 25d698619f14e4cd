// Random numbers, and functions in float64, for references.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "braid/runner/kernels/kernels.h"

namespace braid::runner {

// Normal ones, always the same.
class Numbers {
 public:
  std::vector<float> operator()(int64_t count, float deviation = 1) {
    std::normal_distribution<float> normal(0, deviation);
    std::vector<float> numbers(static_cast<size_t>(count));
    for (auto& number : numbers) number = normal(generator_);
    return numbers;
  }

 private:
  std::mt19937 generator_{0};
};

inline double activated(const Activation& f, double x) {
  switch (f.function) {
    case Function::kIdentity:
      return x;
    case Function::kRelu:
      return std::max(0.0, x);
    case Function::kClip:
      return std::clamp(x, double{f.alpha}, double{f.beta});
    case Function::kElu:
      return x > 0 ? x : f.alpha * std::expm1(x);
    case Function::kGelu:
      return x * 0.5 * std::erfc(-x * std::sqrt(0.5));
    case Function::kHardSigmoid:
      return std::clamp(f.alpha * x + f.beta, 0.0, 1.0);
    case Function::kHardSwish:
      return x * std::clamp(x / 6 + 0.5, 0.0, 1.0);
    case Function::kLeakyRelu:
      return x < 0 ? f.alpha * x : x;
    case Function::kMish:
      return x * std::tanh(std::log1p(std::exp(x)));
    case Function::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case Function::kSilu:
      return x / (1 + std::exp(-x));
    case Function::kTanh:
      return std::tanh(x);
    default:
      ADD_FAILURE() << "no reference of this function";
      return 0;
  }
}

}  // namespace braid::runner
