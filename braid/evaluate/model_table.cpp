#include "braid/evaluate/model_table.h"

#include "braid/models/own_cost.h"
#include "braid/models/registry.h"

namespace braid::evaluate {

void ModelRow::visit(FieldVisitor& v) {
  v.field("name", name, "architecture");
  v.field("family", family, "cnn, transformer, hybrid");
  v.field("fusion", fusion, "how a hybrid fuses both");
  v.field("params", params, "parameters");
  v.field("macs", macs, "multiply-accumulates of one image or text");
  v.field("input_size", input_size, "channels, height, width; tokens");
}

std::vector<ModelRow> model_table() {
  std::vector<ModelRow> rows;
  for (const auto& entry : models::registry().entries()) {
    const auto input = models::own_input_size(entry);
    if (input.empty()) continue;
    const auto known = models::known_cost(entry.name);
    const auto cost = known ? *known : models::count_own_cost(entry.name);
    rows.push_back({entry.name, models::to_string(entry.family), models::to_string(entry.fusion),
                    cost.params, cost.macs, input});
  }
  return rows;
}

}  // namespace braid::evaluate
