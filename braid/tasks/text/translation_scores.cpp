#include "braid/tasks/text/translation_scores.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "braid/core/error.h"
#include "braid/data/length_bucketed.h"
#include "braid/runtime/eval_scope.h"
#include "braid/tasks/loss.h"
#include "braid/tasks/text/corpus_scores.h"

namespace braid::tasks {
namespace {

constexpr int64_t kNoLabel = -100;

void measure_loss(const Translator& translator,
                  const std::shared_ptr<const data::ParallelCollate>& collate,
                  const TranslationScoresOptions& options, Progress& progress,
                  TranslationScores& result) {
  const bool by_tokens = options.max_tokens > 0;
  data::Loader loader(
      collate,
      std::make_unique<data::LengthBucketed>(
          collate->lengths(),
          data::LengthBucketedOptions{.max_tokens = options.max_tokens,
                                      .max_examples = by_tokens ? 0 : options.evaluate.batch_size}),
      {.workers = options.evaluate.workers, .on_bad_sample = options.evaluate.on_bad_sample});
  loader.start_epoch(0);
  progress.begin("evaluating", loader.size());
  const runtime::EvalScope scope(*translator.model, options.evaluate.dtype);
  double sum = 0, tokens = 0;
  while (const auto batch = loader.next()) {
    const auto step = sequence_loss(*translator.model, batch->to(scope.device()), 0);
    sum += step.loss.item<double>() * step.weight;
    tokens += step.weight;
    result.pairs += batch->size();
    progress.update(loader.position(), "");
  }
  progress.end();
  result.unread = loader.bad_samples();
  result.tokens = static_cast<int64_t>(tokens);
  const double loss = sum / tokens;
  result.scores.push_back({.name = "loss",
                           .unit = "nats",
                           .value = loss,
                           .low = {},
                           .high = {},
                           .higher_is_better = false});
  result.scores.push_back({.name = "perplexity",
                           .unit = "",
                           .value = std::exp(std::min(loss, 700.0)),  // finite where the loss is
                           .low = {},
                           .high = {},
                           .higher_is_better = false});
}

void measure_bleu(const Translator& translator, const data::ParallelText& pairs,
                  const TranslationScoresOptions& options, Progress& progress,
                  TranslationScores& result) {
  const int64_t count = std::min(options.decoded_pairs, pairs.size());
  std::vector<std::string> sources, targets;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t place = i * pairs.size() / count;
    sources.push_back(pairs.source(place));
    targets.push_back(pairs.target(place));
  }
  progress.begin("translating", count);
  const auto translated =
      translate(translator, sources,
                {.dtype = options.evaluate.dtype, .max_length_factor = options.max_length_factor},
                [&](int64_t done) { progress.update(done, ""); });
  progress.end();
  std::vector<std::string> written;
  for (const auto& text : translated) {
    written.push_back(text.best.empty() ? "" : on_one_line(text.best[0].text));
    result.cut += text.cut;
  }
  result.decoded_pairs = count;
  auto corpus = score_corpus(written, targets);
  result.bleu_text = std::move(corpus.bleu_text);
  result.bleu_signature = std::move(corpus.bleu_signature);
  result.chrf_signature = std::move(corpus.chrf_signature);
  result.scores.insert(result.scores.begin(), corpus.scores.begin(), corpus.scores.end());
  if (options.translations)
    options.translations->insert(options.translations->end(), written.begin(), written.end());
}

// Of a model whose training diverged: there is nothing to translate with.
void leave_bleu_out(TranslationScores& result) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  result.scores = {{.name = "bleu", .unit = "", .value = kNone, .low = {}, .high = {}},
                   {.name = "chrf", .unit = "", .value = kNone, .low = {}, .high = {}},
                   result.scores.at(0),
                   result.scores.at(1)};
}

}  // namespace

Step sequence_loss(models::EncoderDecoder& model, const data::Batch& batch, double smoothing) {
  const auto encoded = model.encode({.input_ids = batch.at(data::kInputIds),
                                     .attention_mask = batch.at(data::kAttentionMask),
                                     .token_type_ids = {}});
  const auto hidden = model.decode(batch.at(data::kDecoderInputIds),
                                   batch.at(data::kDecoderAttentionMask), encoded);  // [B,T,D]
  const auto labels = batch.at(data::kLabels).flatten();
  const auto kept = labels.ne(kNoLabel).nonzero().squeeze(1);
  // Logits of the tokens alone: most of a small model's time goes into them.
  const auto logits = model.logits(hidden.flatten(0, 1).index_select(0, kept));  // [n,V]
  return {cross_entropy(logits, labels.index_select(0, kept), smoothing),
          static_cast<double>(kept.size(0))};
}

TranslationScores score_translations(const Translator& translator,
                                     const data::ParallelTextPtr& pairs,
                                     const std::shared_ptr<const data::ParallelCollate>& collate,
                                     const TranslationScoresOptions& options, Progress& progress) {
  TranslationScores result;
  measure_loss(translator, collate, options, progress, result);
  if (result.pairs == 0)
    throw DataError("evaluate",
                    fmt::format("expected a pair to evaluate on, but none of the {} of the split "
                                "can be read",
                                pairs->size()),
                    pairs->source_path().string());
  if (options.decoded_pairs == 0) return result;
  if (!all_finite(result.scores)) {
    leave_bleu_out(result);
    return result;
  }
  try {
    measure_bleu(translator, *pairs, options, progress, result);
  } catch (const NonFiniteOutputError&) {  // of what it writes by itself, where the loss is finite
    leave_bleu_out(result);
  }
  return result;
}

}  // namespace braid::tasks
