#include "braid/evaluate/text/translation_robustness.h"

#include <vector>

#include "braid/evaluate/robustness_probe.h"
#include "braid/evaluate/text/text_robustness.h"
#include "braid/tasks/metrics/bleu.h"

namespace braid::evaluate {
namespace {

data::ParallelTextPtr spread_over(const data::ParallelTextPtr& pairs, int64_t count) {
  std::vector<int64_t> places;
  for (int64_t i = 0; i < count; ++i) places.push_back(i * pairs->size() / count);
  return pairs->subset(places);
}

}  // namespace

Robustness measure_translation_robustness(const tasks::Translator& translator,
                                          const data::ParallelTextPtr& pairs,
                                          const TranslationRobustnessOptions& options,
                                          Progress& progress) {
  const auto sample = spread_over(pairs, sampled_items(options.pairs, pairs->size()));
  const auto bleu_of = [&](const TextChange& change) {
    std::vector<std::string> sources;
    for (int64_t i = 0; i < sample->size(); ++i)
      sources.push_back(change(sample->source(i), static_cast<uint64_t>(options.seed + i)));
    const auto translated =
        tasks::translate(translator, sources,
                         {.dtype = options.dtype, .max_length_factor = options.max_length_factor});
    tasks::Bleu bleu;
    for (int64_t i = 0; i < sample->size(); ++i)
      bleu.update(translated[static_cast<size_t>(i)].best.at(0).text, {sample->target(i)});
    return bleu.score().score;
  };
  auto result = score_corruptions(bleu_of, progress);
  result.items = sample->size();
  return result;
}

}  // namespace braid::evaluate
