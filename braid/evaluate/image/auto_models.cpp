#include "braid/evaluate/image/auto_models.h"

#include "braid/data/image/input_config.h"
#include "braid/evaluate/choose_models.h"

namespace braid::evaluate {
namespace {

// What a network needs to see to be worth its size (docs/studies/recipes.md).
// Passes over the training images, by family: attention wants to see them more often.
constexpr double kLeastPasses[] = {4.5, 5, 6};  // CNN, hybrid, Transformer
constexpr double kLeastImages = 100'000;        // in all
// What is fine-tuned has seen images before.
constexpr double kLeastTuningPasses = 3;

// CNNs, hybrids, Transformers.
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

// Whose weights are published, for images of any size.
const std::vector<ModelNames>& published_lists() {
  static const std::vector<ModelNames> lists = {
      {"mobilenetv3_small_100", "resnet18", "resnet50"},
      {"mobilevit_xxs", "mobilevit_xs", "mobilevit_s"},
      {"vit_tiny_patch16_224", "vit_small_patch16_224", "vit_base_patch16_224"}};
  return lists;
}

}  // namespace

std::vector<ModelChoice> choose_models(
    const AutoModelOptions& options, const std::function<ModelProfile(const std::string&)>& profile,
    const std::function<double(const ModelProfile&)>& passes) {
  ChoiceRule rule{.items = "images",
                  .train_items = options.train_items,
                  .least_passes = kLeastTuningPasses,
                  .least_items = options.pretrained ? 0 : kLeastImages,
                  .max_params = options.max_params,
                  .max_latency_ms = options.max_latency_ms,
                  .per_family = options.per_family};
  std::vector<ModelChoice> chosen;
  const auto& families =
      options.pretrained ? published_lists() : lists(options.side <= data::kSmallImage);
  for (size_t family = 0; family < families.size(); ++family) {
    if (!options.pretrained) rule.least_passes = kLeastPasses[family];
    choose_of_family(families[family], rule, profile, passes, chosen);
  }
  if (options.pretrained) start_from_published_weights(chosen);
  return chosen;
}

}  // namespace braid::evaluate
