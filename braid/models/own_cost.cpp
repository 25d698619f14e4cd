#include "braid/models/own_cost.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "braid/models/macs.h"
#include "braid/models/text/text_cost.h"
#include "braid/models/vision/cost.h"
#include "braid/models/vision/inputs.h"
#include "braid/runtime/skip_random_init.h"

namespace braid::models {
namespace {

struct KnownCost {
  std::string_view name;
  OwnCost cost;
};
constexpr KnownCost kKnownCosts[] = {
#include "braid/models/known_costs.inc"
};

}  // namespace

std::optional<OwnCost> known_cost(const std::string& name) {
  const auto* it = std::find_if(std::begin(kKnownCosts), std::end(kKnownCosts),
                                [&](const KnownCost& known) { return known.name == name; });
  if (it == std::end(kKnownCosts)) return std::nullopt;
  return it->cost;
}

OwnCost count_own_cost(const std::string& name) {
  const auto entry = find_model(name);
  const runtime::SkipRandomInit skip;  // numbers cost nothing, and drawing them seconds
  const auto model = create_model(name);
  const int64_t params = count_parameters(*model);
  if (auto* text = dynamic_cast<TextModel*>(model.get()))
    return {params, count_macs(*text, {1, example_length(*text)})};
  auto& image = dynamic_cast<ImageModel&>(*model);
  const auto input = image_input(entry);
  return {params, count_macs(image, {1, input.channels, input.height, input.width})};
}

std::vector<int64_t> own_input_size(const ModelEntry& entry) {
  if (entry.kind == ImageModel::kKind) {
    const auto input = image_input(entry);
    return {input.channels, input.height, input.width};
  }
  if (entry.kind == TextEncoder::kKind || entry.kind == EncoderDecoder::kKind)
    return {kExampleTokens};
  return {};
}

}  // namespace braid::models
