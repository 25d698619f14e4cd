#include "braid/evaluate/text/ngram_reference.h"

#include <algorithm>
#include <memory>

#include "braid/core/error.h"
#include "braid/core/stopwatch.h"
#include "braid/data/bad_samples.h"
#include "braid/evaluate/text/ngram_model.h"
#include "braid/tasks/metrics/classification.h"

namespace braid::evaluate {
namespace {

NgramTexts read_ngrams(const data::TextDataset& dataset, data::BadSamples& bad) {
  NgramTexts texts;
  for (int64_t i = 0; i < dataset.size(); ++i)
    bad.guard([&] {
      const auto example = dataset.get(i);
      texts.rows.push_back(ngrams_of(example.text, example.pair));
      texts.labels.push_back(example.label);
    });
  if (texts.rows.empty()) throw DataError("compare", "no text could be read");
  return texts;
}

Score score_of(const std::vector<std::vector<float>>& outputs, const NgramTexts& test) {
  const auto count = static_cast<int64_t>(outputs.size());
  auto logits = torch::empty({count, static_cast<int64_t>(outputs.at(0).size())});
  for (size_t i = 0; i < outputs.size(); ++i)
    std::copy(outputs[i].begin(), outputs[i].end(),
              logits.data_ptr<float>() + static_cast<int64_t>(i) * logits.size(1));
  tasks::TopAccuracy accuracy;
  accuracy.update(logits, torch::tensor(test.labels, torch::kInt64));
  return accuracy.scores().front();
}

ReferenceResult most_frequent(const NgramTexts& train, const NgramTexts& test, int64_t classes) {
  const Stopwatch watch;
  std::vector<float> counts(static_cast<size_t>(classes));
  for (const int64_t label : train.labels) counts[static_cast<size_t>(label)] += 1;
  return {.name = "majority",
          .title = "the most frequent class",
          .score = score_of({test.labels.size(), counts}, test),
          .items = static_cast<int64_t>(train.labels.size()),
          .seconds = watch.seconds()};
}

ReferenceResult trained(const std::string& name, const std::string& title, const NgramTexts& train,
                        const NgramTexts& test,
                        const std::function<std::unique_ptr<NgramModel>()>& make) {
  const Stopwatch watch;
  const auto model = make();
  std::vector<std::vector<float>> outputs;
  for (const auto& row : test.rows) outputs.push_back(model->scores(row));
  return {.name = name,
          .title = title,
          .score = score_of(outputs, test),
          .items = static_cast<int64_t>(train.labels.size()),
          .seconds = watch.seconds()};
}

}  // namespace

References measure_text_references(const data::TextDatasetPtr& train,
                                   const data::TextDatasetPtr& test,
                                   const TextReferenceOptions& options, Progress& progress) {
  constexpr double kMostTexts = 200'000;
  const double share = kMostTexts / static_cast<double>(std::max<int64_t>(train->size(), 1));
  const auto part = share < 1 ? data::sample_fraction(train, share, options.seed) : train;
  const auto classes = static_cast<int64_t>(train->classes().size());
  data::BadSamples bad(options.on_bad_sample);
  progress.begin("reference classifiers", 3);
  const auto seen = read_ngrams(*part, bad), asked = read_ngrams(*test, bad);
  progress.update(1, "");
  References references;
  references.rows.push_back(most_frequent(seen, asked, classes));
  references.rows.push_back(trained("naive_bayes", "naive Bayes on words and pairs of words", seen,
                                    asked, [&] { return train_naive_bayes(seen, classes); }));
  progress.update(2, "");
  const Stopwatch watch;
  references.rows.push_back(
      trained("linear", "a linear classifier on words and pairs of words", seen, asked, [&] {
        return train_linear_ngrams(seen, classes, {.seed = options.seed, .time_gone = [&] {
                                                     return watch.seconds() / options.seconds;
                                                   }});
      }));
  progress.end();
  std::stable_sort(references.rows.begin(), references.rows.end(),
                   [](const auto& a, const auto& b) { return tasks::better(a.score, b.score); });
  return references;
}

}  // namespace braid::evaluate
