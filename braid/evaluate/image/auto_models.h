// Which image models a comparison trains when none is named.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "braid/evaluate/workload.h"

namespace braid::evaluate {

struct AutoModelOptions {
  int64_t side = 32;  // pixels of the data's images
  int64_t train_items = 0;
  std::optional<int64_t> max_params;
  std::optional<double> max_latency_ms = {};
  size_t per_family = 1;  // the choice, and the smaller ones before it
  bool pretrained = false;
};

// One model of each family, the largest of a short list that, at its measured speed, sees every
// training image several times within the budget; the smallest where none does; of those within the
// limits alone. The lists: the
// airbench networks, their hybrids with attention, and ViTs of the same cost, at the data's own
// size up to 64 pixels, else at 64 and more. profile: measures a model; passes: over the training
// data that the budget affords at that speed. pretrained: from other lists, of networks whose
// weights are published; the chosen names hold those.
std::vector<ModelChoice> choose_models(
    const AutoModelOptions& options, const std::function<ModelProfile(const std::string&)>& profile,
    const std::function<double(const ModelProfile&)>& passes);

}  // namespace braid::evaluate
