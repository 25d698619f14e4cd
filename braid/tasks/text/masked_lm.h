// Hidden words of plain text: how BERT is pre-trained.
//
// Paper: Devlin et al., https://arxiv.org/abs/1810.04805
#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "braid/data/text/plain_text.h"
#include "braid/tasks/config.h"
#include "braid/tasks/task.h"
#include "braid/tasks/text/tokenized_model.h"

namespace braid::tasks {

// Blocks of tokens to learn from, and those after them to validate with.
struct MaskedLmBlocks {
  data::TokenBlocksPtr train, val;
  int64_t train_size = 0;  // the first ones of train
  int64_t val_begin = 0;   // the first one of val
  data::Summary summary() const;
  // In a new order each epoch.
  std::unique_ptr<data::Loader> training_loader(std::shared_ptr<const data::Collate> collate,
                                                const TrainingData& options) const;
  // Shows every batch of val, in order, on the device. Throws DataError for another split.
  void for_each_val_batch(Split split, std::shared_ptr<const data::Collate> collate,
                          const EvaluateOptions& options, const torch::Device& device,
                          Progress& progress,
                          const std::function<void(const data::Batch&)>& see) const;
};

// Scores: loss (cross entropy of a hidden token, nats; chooses the best epoch), perplexity, and
// top1 (percent of the hidden tokens that are guessed). Only they go through the vocabulary's
// projection.
class MaskedLm final : public Task {
 public:
  MaskedLm(const TaskConfig& config, MaskedLmBlocks blocks, TokenizedModel model);

  std::string name() const override { return kMaskedLm; }
  std::string items() const override { return "tokens"; }  // that are hidden
  void visit_config(FieldVisitor& v) const override {
    TaskConfig copy = config_;  // one list serves reading and writing
    copy.visit(v);
  }
  models::TextEncoder& model() override { return *model_.model; }
  std::unique_ptr<data::Loader> training_loader(const TrainingData& options) const override;
  torch::Tensor forward(const data::Batch& batch) override;  // logits of the hidden tokens, [P,V]
  Step training_step(const data::Batch& batch) override;
  Scores evaluate(Split split, const EvaluateOptions& options, Progress& progress) override;
  data::Summary data() const override;
  void save(const std::filesystem::path& folder) const override;

 private:
  std::shared_ptr<const data::Collate> collate(Split split, int64_t seed) const;

  TaskConfig config_;
  MaskedLmBlocks blocks_;
  TokenizedModel model_;
};

// The likeliest tokens in place of each [MASK] of a text, the largest probability first.
struct MaskFill {
  std::string token;  // as it stands in a text: " park" begins a word, "##ing" goes on with one
  int32_t id = 0;
  double probability = 0;
};
// model: with the head masked_lm or pretraining. truncated: gets the tokens that are cut from the
// text. Throws DataError for a text without a mask within the model's length.
std::vector<std::vector<MaskFill>> fill_masks(const TokenizedModel& model, const std::string& text,
                                              int64_t top, const std::string& dtype,
                                              int64_t* truncated = nullptr);

}  // namespace braid::tasks
