// Helpers for layer-wise learning-rate decay.
#pragma once
#include <cstdint>
#include <string>

namespace braid::models {

// The block number in a name such as "blocks.7.norm1.weight" for prefix "blocks."; `otherwise`
// without the prefix.
inline int64_t block_index(const std::string& parameter, const std::string& prefix,
                           int64_t otherwise) {
  return parameter.starts_with(prefix) ? std::stoll(parameter.substr(prefix.size())) : otherwise;
}

}  // namespace braid::models
