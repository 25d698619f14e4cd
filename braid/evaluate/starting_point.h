// What a comparison's model starts from.
#pragma once
#include <string>
#include <vector>

#include "braid/core/progress.h"

namespace braid::evaluate {

// "resnet18=hf-hub:timm/resnet18.a1_in1k": an architecture and the weights that it starts from.
struct StartingPoint {
  std::string architecture, weights;  // weights: empty: random
};
StartingPoint starting_point_of(const std::string& name);

// The model from the weights that are published for it. Throws UsageError where there are none.
std::string from_published_weights(const std::string& architecture);

// The full names, from a list that was split at commas; "auto" alone stays. pretrained: those that
// name no weights get their published ones. Throws UsageError with near matches for one that is
// unknown or named twice.
std::vector<std::string> resolve_starting_points(const std::vector<std::string>& names,
                                                 bool pretrained);

// Has the weights of all of them at hand, so that nothing is trained before those that cannot be
// had are known. Throws what io::resolve_weights throws.
void fetch_weights(const std::vector<std::string>& names, Progress& progress);

}  // namespace braid::evaluate
