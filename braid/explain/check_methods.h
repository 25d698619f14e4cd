// Every check of faithfulness on one method.
#pragma once
#include <string>
#include <vector>

#include "braid/core/progress.h"
#include "braid/explain/explanation.h"
#include "braid/explain/image_explainer.h"

namespace braid::explain {

// images: [1,C,H,W] each, targets: their classes. Says in `verdict` that a method fails: its map
// does not change when the weights become noise, or it orders pixels no better than chance.
std::vector<CheckRow> check_methods(const ImageExplainer& explainer,
                                    const std::vector<torch::Tensor>& images,
                                    const std::vector<int64_t>& targets,
                                    const ExplainConfig& config, Progress& progress);

// From a row's figures.
std::string verdict_of(const CheckRow& row);

}  // namespace braid::explain
