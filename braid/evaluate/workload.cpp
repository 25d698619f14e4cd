#include "braid/evaluate/workload.h"

#include "braid/core/error.h"

namespace braid::evaluate {

void ModelChoice::visit(FieldVisitor& v) {
  v.field("name", name, "");
  v.field("reason", reason, "");
}

std::vector<ModelChoice> Workload::choose_models(
    const std::function<ModelProfile(const std::string&)>&,
    const std::function<double(const ModelProfile&)>&, size_t) const {
  throw UsageError("compare", "expected models, got auto, which " + task() + " does not know",
                   "--models", "`braid models` lists them");
}

// The name and the taxonomy are those of the registry.
void ModelProfile::visit(FieldVisitor& v) {
  v.field("params", params, "");
  v.field("macs", macs, "");
  v.field("train_macs", train_macs, "");
  v.field("input_size", input_size, "");
  v.field("forward_items_per_s", forward_items_per_s, "");
  v.field("train_items_per_s", train_items_per_s, "");
}

}  // namespace braid::evaluate
