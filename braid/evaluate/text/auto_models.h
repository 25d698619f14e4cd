// Which text models a comparison trains when none is named.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "braid/evaluate/workload.h"

namespace braid::evaluate {

struct AutoTextOptions {
  int64_t train_items = 0;
  std::optional<int64_t> max_params;
  std::optional<double> max_latency_ms = {};
  size_t per_family = 1;  // the choice, and the smaller ones before it
  bool pretrained = false;
};

// One model of each family, the largest of a short list that, at its measured speed, sees every
// training text several times within the budget; the smallest where none does; of those within the
// limits alone. pretrained: of those
// whose weights are published, so that a family may be left out; the chosen names hold them.
std::vector<ModelChoice> choose_text_models(
    const AutoTextOptions& options, const std::function<ModelProfile(const std::string&)>& profile,
    const std::function<double(const ModelProfile&)>& passes);
// The same of models that translate.
std::vector<ModelChoice> choose_translation_models(
    const AutoTextOptions& options, const std::function<ModelProfile(const std::string&)>& profile,
    const std::function<double(const ModelProfile&)>& passes);

}  // namespace braid::evaluate
