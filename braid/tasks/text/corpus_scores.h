// BLEU and chrF of translations, whatever wrote them.
#pragma once
#include <string>
#include <vector>

#include "braid/tasks/score.h"

namespace braid::tasks {

struct CorpusScores {
  Scores scores;  // bleu with its interval, chrf
  // sacreBLEU's.
  std::string bleu_text, bleu_signature, chrf_signature;
};
// Of the texts as they stand on a line each, and one reference for each; at least one.
CorpusScores score_corpus(const std::vector<std::string>& written,
                          const std::vector<std::string>& references);

}  // namespace braid::tasks
