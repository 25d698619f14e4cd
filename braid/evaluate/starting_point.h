// What a comparison's model starts from.
#pragma once
#include <string>
#include <vector>

namespace braid::evaluate {

// "resnet18=hf-hub:timm/resnet18.a1_in1k": an architecture and the weights that it starts from.
struct StartingPoint {
  std::string architecture, weights;  // weights: empty: random
};
StartingPoint starting_point_of(const std::string& name);

// The full names, from a list that was split at commas; "auto" alone stays. Throws UsageError with
// near matches for one that is unknown or named twice.
std::vector<std::string> resolve_starting_points(const std::vector<std::string>& names);

}  // namespace braid::evaluate
