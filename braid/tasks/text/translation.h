// Texts to their translations.
#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "braid/data/text/parallel_collate.h"
#include "braid/data/text/parallel_text.h"
#include "braid/tasks/config.h"
#include "braid/tasks/task.h"
#include "braid/tasks/text/translation_scores.h"
#include "braid/tasks/text/translator.h"

namespace braid::tasks {

// Scores: bleu (chooses the best epoch) and chrf, of translation.val_bleu_pairs pairs of val and of
// all of test; loss (cross entropy of a token without smoothing, nats; chooses it where none are
// translated) and perplexity, of all pairs.
class TranslationTask final : public Task {
 public:
  // Tokenizes the training pairs, and says so, and how many are cut.
  TranslationTask(const TaskConfig& config, data::ParallelSplits splits, Translator translator,
                  Progress& progress);

  std::string name() const override { return kTranslation; }
  std::string items() const override { return "tokens"; }
  void visit_config(FieldVisitor& v) const override {
    TaskConfig copy = config_;  // one list serves reading and writing
    copy.visit(v);
  }
  models::EncoderDecoder& model() override { return *translator_.model; }
  std::unique_ptr<data::Loader> training_loader(const TrainingData& options) const override;
  torch::Tensor forward(const data::Batch& batch) override;  // logits [B,T,V]
  Step training_step(const data::Batch& batch) override;
  Scores evaluate(Split split, const EvaluateOptions& options, Progress& progress) override;
  int64_t unread(Split split) const override;
  data::Summary data() const override;
  std::optional<double> pass_weight() const override;  // tokens of the targets
  void save(const std::filesystem::path& folder) const override;

 private:
  const std::shared_ptr<data::ParallelCollate>& collate_of(Split split);

  TaskConfig config_;
  data::ParallelSplits splits_;
  Translator translator_;
  std::map<Split, std::shared_ptr<data::ParallelCollate>> collates_;  // prepared
  std::map<Split, int64_t> unread_;
  bool said_ = false;  // how many pairs the BLEU of val is of
};

}  // namespace braid::tasks
