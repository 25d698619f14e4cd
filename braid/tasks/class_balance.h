// Classes of which the training data has many and few items.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "braid/torch.h"

namespace braid::tasks {

inline constexpr const char* kNoClassWeights = "none";
inline constexpr const char* kBalancedClassWeights = "balanced";
inline constexpr const char* kRandomSampler = "random";
inline constexpr const char* kBalancedSampler = "balanced";  // data/sampler.h's ClassBalanced

// The weight of each class in the loss, [K] float32, such that all classes weigh alike and the
// items' mean weight is 1: items / (K * items of the class), scikit-learn's "balanced". A class
// without items: 0. kind: none gives an undefined tensor.
torch::Tensor class_weights(const std::string& kind, const std::vector<int64_t>& counts);
// Throws ConfigError where both weights and sampler balance the classes, which would favour the
// small ones. component: of the error.
void check_balance(const std::string& class_weights, const std::string& sampler,
                   const std::string& component);
// Where the largest class has ten times the items of the smallest or more, or there is one class
// alone, of which all that is learned is its name: a line that says so.
std::optional<std::string> imbalance_text(const std::vector<int64_t>& counts,
                                          const std::vector<std::string>& names);

}  // namespace braid::tasks
