#include "braid/models/describe.h"

#include "braid/models/macs.h"

namespace braid::models {
namespace {

int64_t params_below(const Model& model, const std::vector<std::string>& modules) {
  int64_t count = 0;
  for (const auto& item : model.named_parameters())
    for (const auto& module : modules)
      if (item.key().starts_with(module + ".")) count += item.value().numel();
  return count;
}

}  // namespace

std::vector<PartRow> describe(const ModelEntry& entry) {
  const torch::NoGradGuard no_grad;
  const auto model = entry.make(Json::object());
  model->eval();
  std::vector<PartRow> rows;
  for (const auto& part : model->parts()) {
    PartRow row{part.name, part.text, part.shape, params_below(*model, part.modules), {}};
    if (part.run) row.macs = count_macs([&] { row.shape = part.run(); });
    rows.push_back(row);
  }
  return rows;
}

}  // namespace braid::models
