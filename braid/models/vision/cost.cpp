#include "braid/models/vision/cost.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "braid/models/macs.h"
#include "braid/models/registry.h"
#include "braid/models/vision/inputs.h"
#include "braid/runtime/eval_scope.h"

namespace braid::models {
namespace {

struct KnownCost {
  std::string_view name;
  OwnCost cost;
};
constexpr KnownCost kKnownCosts[] = {
#include "braid/models/vision/known_costs.inc"
};

}  // namespace

int64_t count_macs(ImageModel& model, const std::vector<int64_t>& shape) {
  // Not inference mode: composite operators must be seen.
  const runtime::EvalScope scope(model);
  const auto input = torch::zeros(shape, scope.device());
  return count_macs([&] { model.forward(input); });
}

Cost count_cost(ImageModel& model, const std::vector<int64_t>& shape) {
  Cost cost;
  cost.train_macs = count_macs(model, shape);
  model.eval();
  model.reparameterize();
  cost.macs = count_macs(model, shape);
  cost.params = count_parameters(model);
  return cost;
}

std::optional<OwnCost> known_cost(const std::string& name) {
  const auto* it = std::find_if(std::begin(kKnownCosts), std::end(kKnownCosts),
                                [&](const KnownCost& known) { return known.name == name; });
  if (it == std::end(kKnownCosts)) return std::nullopt;
  return it->cost;
}

OwnCost count_own_cost(const std::string& name) {
  const auto model = create_model<ImageModel>(name);
  const auto input = image_input(find_model(name));
  return {count_parameters(*model),
          count_macs(*model, {1, input.channels, input.height, input.width})};
}

}  // namespace braid::models
