#include "braid/tasks/text/corpus_scores.h"

#include "braid/tasks/metrics/bleu.h"
#include "braid/tasks/metrics/chrf.h"
#include "braid/text/line.h"

namespace braid::tasks {

CorpusScores score_corpus(const std::vector<std::string>& written,
                          const std::vector<std::string>& references) {
  Bleu bleu;
  std::vector<Bleu> bleu_of_texts(written.size());
  Chrf chrf;
  for (size_t i = 0; i < written.size(); ++i) {
    const auto text = text::on_one_line(written[i]);
    bleu_of_texts[i].update(text, {references.at(i)});
    bleu.merge(bleu_of_texts[i]);
    chrf.update(text, {references[i]});
  }
  const auto score = bleu.score();
  const auto interval = bleu_interval(bleu_of_texts);
  return {.scores = {{.name = "bleu",
                      .unit = "",
                      .value = score.score,
                      .low = interval.low,
                      .high = interval.high},
                     {.name = "chrf", .unit = "", .value = chrf.score(), .low = {}, .high = {}}},
          .bleu_text = to_text(score),
          .bleu_signature = bleu.signature(),
          .chrf_signature = chrf.signature()};
}

}  // namespace braid::tasks
