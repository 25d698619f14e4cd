#include "braid/models/weights.h"

#include "braid/models/load_plan.h"

namespace braid::models {

namespace fs = std::filesystem;

namespace {

WeightSource source_with_parts(const Model& model, const fs::path& path) {
  auto source = source_of(path);
  const auto* in_parts = dynamic_cast<const ModelInParts*>(&model);
  if (in_parts == nullptr) return source;
  for (const auto& folder : in_parts->folders()) {
    const auto part = source_of(path / folder);
    const auto prefix = folder + ".";
    for (const auto& [name, info] : part.tensors) source.tensors[prefix + name] = info;
    source.load = [prefix, own = source.load, load = part.load](const std::string& name) {
      return name.starts_with(prefix) ? load(name.substr(prefix.size())) : own(name);
    };
  }
  return source;
}

}  // namespace

void load_weights(Model& model, const fs::path& path) {
  apply_plan(plan_load(model, source_with_parts(model, path), /*fine_tune=*/false), model);
}

void load_tensors_into(Model& model, const runtime::TensorMap& tensors, const std::string& where) {
  apply_plan(plan_load(model, source_of(tensors, where), /*fine_tune=*/false), model);
}

void load_weights_to_fine_tune(Model& model, const fs::path& path, Progress& progress) {
  const auto plan = plan_load(model, source_with_parts(model, path), /*fine_tune=*/true);
  report_plan(plan, model, progress);
  apply_plan(plan, model);
}

runtime::TensorMap without_wrapper(const runtime::TensorMap& given, const Model& model) {
  std::vector<std::string> names;
  for (const auto& item : given) names.push_back(item.first);
  const size_t cut = wrapper_prefix(names, model).size();
  runtime::TensorMap tensors;
  for (const auto& [name, tensor] : given) tensors[name.substr(cut)] = tensor;
  return tensors;
}

void save_weights(const Model& model, const fs::path& file) {
  runtime::save_tensors(runtime::named_state(model), file);
}

void save_weights(const Model& model, const fs::path& folder, uint64_t max_shard_size) {
  runtime::save_tensors_sharded(runtime::named_state(model), folder, max_shard_size);
}

}  // namespace braid::models
