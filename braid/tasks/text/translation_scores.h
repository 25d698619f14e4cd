// How well a model translates pairs of texts.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "braid/core/progress.h"
#include "braid/data/text/parallel_collate.h"
#include "braid/tasks/score.h"
#include "braid/tasks/task.h"
#include "braid/tasks/text/translator.h"

namespace braid::tasks {

// Cross entropy of the targets' tokens given the sources and the tokens before, the end token too:
// the mean over them, and their number.
Step sequence_loss(models::EncoderDecoder& model, const data::Batch& batch, double smoothing);

struct TranslationScoresOptions {
  EvaluateOptions evaluate = {};
  int64_t max_tokens = 0;        // of a batch, as LengthBucketed has it; 0: batch_size pairs
  int64_t decoded_pairs = 0;     // translated for BLEU and chrF; 0: none
  double max_length_factor = 0;  // see TranslateOptions
  std::vector<std::string>* translations = nullptr;  // what was written, unless it is null
};
struct TranslationScores {
  // (bleu, chrf,) loss, perplexity: of tokens, without smoothing. Where the loss is not finite,
  // nothing is translated, and bleu and chrf are NaN.
  Scores scores;
  int64_t pairs = 0;          // whose loss it is
  int64_t tokens = 0;         // of their targets
  int64_t decoded_pairs = 0;  // spread evenly over the data
  int64_t cut = 0;            // of them, sources that were too long
  int64_t unread = 0;
  // sacreBLEU's; empty: none were decoded.
  std::string bleu_text, bleu_signature, chrf_signature;
};
// collate: of these pairs, prepared; generation: the translator's own, the best of its texts
// counts. Throws DataError where no pair can be read.
TranslationScores score_translations(const Translator& translator,
                                     const data::ParallelTextPtr& pairs,
                                     const std::shared_ptr<const data::ParallelCollate>& collate,
                                     const TranslationScoresOptions& options, Progress& progress);

}  // namespace braid::tasks
