#include "braid/evaluate/text/text_robustness.h"

#include <fmt/format.h>

#include <utility>

#include "braid/core/error.h"
#include "braid/evaluate/text/text_corruptions.h"
#include "braid/tasks/metrics/classification.h"

namespace braid::evaluate {
namespace {

// The same texts, each changed when it is read.
class ChangedTexts final : public data::TextDataset {
 public:
  ChangedTexts(data::TextDatasetPtr texts, TextChange change, int64_t seed)
      : texts_(std::move(texts)), change_(std::move(change)), seed_(seed) {}
  int64_t size() const override { return texts_->size(); }
  data::TextExample get(int64_t index) const override {
    auto example = texts_->get(index);
    example.text = change_(example.text, static_cast<uint64_t>(seed_ + index));
    return example;
  }
  int64_t label(int64_t index) const override { return texts_->label(index); }
  std::string describe(int64_t index) const override { return texts_->describe(index); }
  const std::vector<std::string>& classes() const override { return texts_->classes(); }

 private:
  data::TextDatasetPtr texts_;
  TextChange change_;
  int64_t seed_;
};

}  // namespace

double text_robustness_passes() {
  return static_cast<double>(text_corruptions().size()) * kTextSeverities + 1;
}

Robustness score_corruptions(const std::function<double(const TextChange& change)>& score,
                             Progress& progress) {
  Robustness result;
  progress.begin("robustness", static_cast<int64_t>(text_robustness_passes()));
  int64_t done = 0;
  result.clean_score = score([](const std::string& text, uint64_t) { return text; });
  progress.update(++done, "clean");
  for (const auto& name : text_corruptions())
    for (int64_t severity = 1; severity <= kTextSeverities; ++severity) {
      result.corruptions.push_back(
          {name, severity, score([&](const std::string& text, uint64_t seed) {
             return corrupt_text(text, name, severity, seed);
           })});
      progress.update(++done, fmt::format("{} {}", name, severity));
    }
  progress.end();
  return result;
}

Robustness measure_text_robustness(const tasks::TokenizedModel& classifier,
                                   const data::TextDatasetPtr& dataset,
                                   const TextRobustnessOptions& options, Progress& progress) {
  auto sample = dataset;
  if (options.texts > 0 && options.texts < dataset->size())
    sample = data::sample_fraction(
        dataset, static_cast<double>(options.texts) / static_cast<double>(dataset->size()),
        options.seed);
  int64_t items = 0, bad_samples = 0;
  Progress silent;
  const auto top1 = [&](const TextChange& change) {
    tasks::TopAccuracy accuracy;
    bad_samples = tasks::run_texts(
        classifier, std::make_shared<ChangedTexts>(sample, change, options.seed), options.evaluate,
        silent, [&](const torch::Tensor& logits, const data::Batch& batch) {
          accuracy.update(logits, batch.at(data::kLabels));
        });
    items = accuracy.count();
    if (items == 0) throw DataError("robustness", "no text could be read");
    return accuracy.scores().front().value;
  };
  auto result = score_corruptions(top1, progress);
  result.items = items, result.bad_samples = bad_samples;
  return result;
}

}  // namespace braid::evaluate
