#include "braid/evaluate/model_table.h"

#include "braid/models/registry.h"
#include "braid/models/vision/cost.h"
#include "braid/models/vision/inputs.h"

namespace braid::evaluate {

void ModelRow::visit(FieldVisitor& v) {
  v.field("name", name, "architecture");
  v.field("family", family, "cnn, transformer, hybrid");
  v.field("fusion", fusion, "how a hybrid fuses both");
  v.field("params", params, "parameters");
  v.field("macs", macs, "multiply-accumulates of one image");
  v.field("input_size", input_size, "channels, height, width");
}

std::vector<ModelRow> model_table() {
  std::vector<ModelRow> rows;
  for (const auto& entry : models::registry().entries()) {
    if (entry.kind != models::ImageModel::kKind) continue;
    const auto input = models::image_input(entry);
    const auto known = models::known_cost(entry.name);
    const auto cost = known ? *known : models::count_own_cost(entry.name);
    rows.push_back({entry.name,
                    models::to_string(entry.family),
                    models::to_string(entry.fusion),
                    cost.params,
                    cost.macs,
                    {input.channels, input.height, input.width}});
  }
  return rows;
}

}  // namespace braid::evaluate
