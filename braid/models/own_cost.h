// What the architectures of the registry cost by themselves.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "braid/models/registry.h"

namespace braid::models {

// An architecture as it is trained, with its own classifier on one image of its own input size, or
// on one text of example_length() tokens.
struct OwnCost {
  int64_t params = 0;
  int64_t macs = 0;
  bool operator==(const OwnCost&) const = default;
};
// Of the library's architectures, counted once, since building them all takes ten seconds: from
// known_costs.inc, which a test holds against the models and names the line that differs. None for
// an architecture that a user of the library added.
std::optional<OwnCost> known_cost(const std::string& name);
// Builds the model and counts.
OwnCost count_own_cost(const std::string& name);
// What the cost is of: channels, height and width of an image; tokens. Empty for a kind of models
// whose cost is not counted.
std::vector<int64_t> own_input_size(const ModelEntry& entry);

}  // namespace braid::models
