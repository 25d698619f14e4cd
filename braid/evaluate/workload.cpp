#include "braid/evaluate/workload.h"

#include "braid/core/error.h"
#include "braid/evaluate/deploy_target.h"
#include "braid/evaluate/starting_point.h"
#include "braid/models/registry.h"

namespace braid::evaluate {

void ModelChoice::visit(FieldVisitor& v) {
  v.field("name", name, "");
  v.field("reason", reason, "");
}

std::vector<std::string> Workload::resolve_models(const std::vector<std::string>& names,
                                                  bool pretrained) const {
  return resolve_starting_points(names, pretrained);
}

Taxonomy Workload::taxonomy(const std::string& model) const {
  const auto entry = models::find_model(starting_point_of(model).architecture);
  return {models::to_string(entry.family), models::to_string(entry.fusion)};
}

std::vector<ModelChoice> Workload::choose_models(
    const std::function<ModelProfile(const std::string&)>&,
    const std::function<double(const ModelProfile&)>&, size_t) const {
  throw UsageError("compare", "expected models, got auto, which " + task() + " does not know",
                   "--models", "`braid models` lists them");
}

void Workload::check_deploy(const DeployTarget& target) const {
  throw UsageError("compare", "expected a task whose models a comparison deploys, got " + task(),
                   "--deploy " + target.name);
}

std::string Workload::deployed_name(const DeployTarget& target) const {
  return target.int8 ? "model.int8.onnx" : "model.onnx";
}

Deployed Workload::deploy(const TrainedRun&, const DeployTarget& target,
                          const std::filesystem::path&, Progress&) const {
  check_deploy(target);
  throw InternalError("compare", "expected the task's way to deploy a model, got none", task());
}

// The name and the taxonomy are those of the registry.
void ModelProfile::visit(FieldVisitor& v) {
  v.field("params", params, "");
  v.field("macs", macs, "");
  v.field("train_macs", train_macs, "");
  v.field("input_size", input_size, "");
  v.field("forward_items_per_s", forward_items_per_s, "");
  v.field("train_items_per_s", train_items_per_s, "");
  v.field("latency_ms", latency_ms, "");
}

}  // namespace braid::evaluate
