#include "braid/evaluate/text/auto_models.h"

#include "braid/evaluate/choose_models.h"
#include "braid/models/published_weights.h"

namespace braid::evaluate {
namespace {

// Over the training items. Translations of a network of 2.6 M parameters still gained in their
// 18th pass (docs/studies/translation.md).
constexpr double kLeastTextPasses = 4, kLeastPairPasses = 18;

const std::vector<ModelNames>& text_lists() {
  static const std::vector<ModelNames> lists = {
      {"textcnn"},
      {"bert_tiny", "bert_mini", "bert_small"},
      {"bert_tiny_cnn", "bert_mini_cnn", "convbert_medium_small"}};
  return lists;
}

const std::vector<ModelNames>& translation_lists() {
  static const std::vector<ModelNames> lists = {{"lightconv_tiny", "lightconv_small"},
                                                {"transformer_tiny", "transformer_small"},
                                                {"lite_transformer_160", "lite_transformer_320"}};
  return lists;
}

std::vector<ModelChoice> choose_from(const std::vector<ModelNames>& lists,
                                     const AutoTextOptions& options, const char* items,
                                     double least_passes,
                                     const std::function<ModelProfile(const std::string&)>& profile,
                                     const std::function<double(const ModelProfile&)>& passes) {
  std::vector<ModelChoice> chosen;
  for (ModelNames names : lists) {
    if (options.pretrained)
      std::erase_if(names, [](const char* name) { return !models::find_published_weights(name); });
    choose_of_family(names,
                     {.items = items,
                      .train_items = options.train_items,
                      .least_passes = least_passes,
                      .max_params = options.max_params,
                      .max_latency_ms = options.max_latency_ms,
                      .per_family = options.per_family},
                     profile, passes, chosen);
  }
  if (options.pretrained) start_from_published_weights(chosen);
  return chosen;
}

}  // namespace

std::vector<ModelChoice> choose_text_models(
    const AutoTextOptions& options, const std::function<ModelProfile(const std::string&)>& profile,
    const std::function<double(const ModelProfile&)>& passes) {
  return choose_from(text_lists(), options, "texts", kLeastTextPasses, profile, passes);
}

std::vector<ModelChoice> choose_translation_models(
    const AutoTextOptions& options, const std::function<ModelProfile(const std::string&)>& profile,
    const std::function<double(const ModelProfile&)>& passes) {
  return choose_from(translation_lists(), options, "pairs", kLeastPairPasses, profile, passes);
}

}  // namespace braid::evaluate
