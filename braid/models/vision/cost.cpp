#include "braid/models/vision/cost.h"

#include "braid/models/macs.h"
#include "braid/runtime/eval_scope.h"

namespace braid::models {

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

}  // namespace braid::models
