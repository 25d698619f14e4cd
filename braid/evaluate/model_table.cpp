#include "braid/evaluate/model_table.h"

#include "braid/models/macs.h"
#include "braid/models/registry.h"

namespace braid::evaluate {

std::vector<ModelRow> model_table(const std::string& pattern, Progress& progress) {
  std::vector<const models::ModelEntry*> entries;
  for (const auto& entry : models::registry())
    if (entry.name.find(pattern) != std::string::npos) entries.push_back(&entry);
  std::vector<ModelRow> rows;
  progress.begin("models", static_cast<int64_t>(entries.size()));
  for (const auto* entry : entries) {
    const auto model = entry->make(Json::object());
    const auto& input = entry->input;
    rows.push_back({entry->name,
                    models::to_string(entry->family),
                    models::to_string(entry->fusion),
                    models::count_parameters(*model),
                    models::count_macs(*model, {1, input.channels, input.height, input.width}),
                    {input.channels, input.height, input.width}});
    progress.update(static_cast<int64_t>(rows.size()), entry->name);
  }
  progress.end();
  return rows;
}

}  // namespace braid::evaluate
