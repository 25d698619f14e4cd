#include "braid/evaluate/model_table.h"

#include "braid/models/macs.h"
#include "braid/models/registry.h"
#include "braid/models/vision/cost.h"
#include "braid/models/vision/inputs.h"

namespace braid::evaluate {

std::vector<ModelRow> model_table(const std::string& pattern, Progress& progress) {
  std::vector<models::ModelEntry> entries;
  for (auto& entry : models::registry().entries())
    if (entry.kind == models::ImageModel::kKind && entry.name.find(pattern) != std::string::npos)
      entries.push_back(std::move(entry));
  std::vector<ModelRow> rows;
  progress.begin("models", static_cast<int64_t>(entries.size()));
  for (const auto& entry : entries) {
    const auto model = models::create_model<models::ImageModel>(entry.name);
    const auto input = models::image_input(entry);
    rows.push_back({entry.name,
                    models::to_string(entry.family),
                    models::to_string(entry.fusion),
                    models::count_parameters(*model),
                    models::count_macs(*model, {1, input.channels, input.height, input.width}),
                    {input.channels, input.height, input.width}});
    progress.update(static_cast<int64_t>(rows.size()), entry.name);
  }
  progress.end();
  return rows;
}

}  // namespace braid::evaluate
