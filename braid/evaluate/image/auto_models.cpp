#include "braid/evaluate/image/auto_models.h"

#include <fmt/format.h>

#include "braid/data/image/input_config.h"

namespace braid::evaluate {
namespace {

// What a network needs to see to be worth its size (docs/studies/recipes.md).
constexpr double kLeastPasses = 5;        // over the training images
constexpr double kLeastImages = 100'000;  // in all

using Names = std::vector<const char*>;  // from the cheapest to the dearest

const std::vector<Names>& lists(bool small) {
  static const std::vector<Names> small_images = {
      {"airbench_nano", "airbench_tiny", "airbench_small", "airbench94"},
      {"airvit_nano", "airvit_tiny", "airvit_small"},
      {"vit_nano_patch7_gap_28", "vit_nano_patch4_gap_32", "vit_micro_patch4_gap_32"}};
  static const std::vector<Names> photos = {
      {"airbench_nano_64", "airbench_tiny_64", "airbench_small_128", "resnet18"},
      {"airvit_nano_64", "mobilevit_xs"},
      {"vit_nano_patch8_gap_64", "vit_tiny_patch16_224"}};
  return small ? small_images : photos;
}

}  // namespace

std::vector<ModelChoice> choose_models(
    const AutoModelOptions& options, const std::function<ModelProfile(const std::string&)>& profile,
    const std::function<double(const ModelProfile&)>& passes) {
  const auto items = static_cast<double>(options.train_items);
  std::vector<ModelChoice> chosen;
  for (const auto& names : lists(options.side <= data::kSmallImage)) {
    std::optional<ModelChoice> choice;
    for (const char* name : names) {
      const auto measured = profile(name);
      if (options.max_params && measured.params > *options.max_params) break;
      const double reach = passes(measured);
      const bool enough = reach >= kLeastPasses && reach * items >= kLeastImages;
      if (choice && !enough) break;
      choice = {name, fmt::format("{} of its kind, {:.2g} passes over the training images",
                                  enough ? "the largest that pays" : "the smallest", reach)};
    }
    if (choice) chosen.push_back(*choice);
  }
  return chosen;
}

}  // namespace braid::evaluate
