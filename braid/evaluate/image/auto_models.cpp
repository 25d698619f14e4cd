#include "braid/evaluate/image/auto_models.h"

#include "braid/data/image/input_config.h"
#include "braid/evaluate/choose_models.h"

namespace braid::evaluate {
namespace {

// What a network needs to see to be worth its size (docs/studies/recipes.md).
constexpr double kLeastImagePasses = 5;   // over the training images
constexpr double kLeastImages = 100'000;  // in all

const std::vector<ModelNames>& lists(bool small) {
  static const std::vector<ModelNames> small_images = {
      {"airbench_nano", "airbench_tiny", "airbench_small", "airbench94"},
      {"airvit_nano", "airvit_tiny", "airvit_small"},
      {"vit_nano_patch7_gap_28", "vit_nano_patch4_gap_32", "vit_micro_patch4_gap_32"}};
  static const std::vector<ModelNames> photos = {
      {"airbench_nano_64", "airbench_tiny_64", "airbench_small_128", "resnet18"},
      {"airvit_nano_64", "mobilevit_xs"},
      {"vit_nano_patch8_gap_64", "vit_tiny_patch16_224"}};
  return small ? small_images : photos;
}

}  // namespace

std::vector<ModelChoice> choose_models(
    const AutoModelOptions& options, const std::function<ModelProfile(const std::string&)>& profile,
    const std::function<double(const ModelProfile&)>& passes) {
  std::vector<ModelChoice> chosen;
  for (const auto& names : lists(options.side <= data::kSmallImage))
    choose_of_family(names,
                     {.items = "images",
                      .train_items = options.train_items,
                      .least_passes = kLeastImagePasses,
                      .least_items = kLeastImages,
                      .max_params = options.max_params,
                      .per_family = options.per_family},
                     profile, passes, chosen);
  return chosen;
}

}  // namespace braid::evaluate
