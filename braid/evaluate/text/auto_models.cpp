#include "braid/evaluate/text/auto_models.h"

#include "braid/evaluate/choose_models.h"
#include "braid/models/published_weights.h"

namespace braid::evaluate {
namespace {

constexpr double kLeastTextPasses = 4;  // over the training texts

const std::vector<ModelNames>& text_lists() {
  static const std::vector<ModelNames> lists = {
      {"textcnn"},
      {"bert_tiny", "bert_mini", "bert_small"},
      {"bert_tiny_cnn", "bert_mini_cnn", "convbert_medium_small"}};
  return lists;
}

}  // namespace

std::vector<ModelChoice> choose_text_models(
    const AutoTextOptions& options, const std::function<ModelProfile(const std::string&)>& profile,
    const std::function<double(const ModelProfile&)>& passes) {
  std::vector<ModelChoice> chosen;
  for (ModelNames names : text_lists()) {
    if (options.pretrained)
      std::erase_if(names, [](const char* name) { return !models::find_published_weights(name); });
    choose_of_family(names,
                     {.items = "texts",
                      .train_items = options.train_items,
                      .least_passes = kLeastTextPasses,
                      .max_params = options.max_params,
                      .per_family = options.per_family},
                     profile, passes, chosen);
  }
  if (options.pretrained) start_from_published_weights(chosen);
  return chosen;
}

}  // namespace braid::evaluate
