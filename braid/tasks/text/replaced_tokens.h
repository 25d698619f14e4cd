// ELECTRA's pre-training: a small generator fills in hidden words, the discriminator tells which
// tokens are no longer the original's.
//
// Paper: Clark et al., https://arxiv.org/abs/2003.10555
// Reference: run_pretraining.py of google-research/electra (Apache-2.0): of the tokens that are
// asked for 85% are hidden from the generator and 15% stay; all of them are replaced by what it
// gives, drawn from its softmax without a gradient; a token that is drawn as it was is no
// replacement; both networks share word, position and type embeddings and their norm; the loss is
// the mean cross entropy of the tokens that were asked for, and disc_weight times the mean binary
// cross entropy over all tokens that are no padding, [CLS] and [SEP] among them.
// Differences: every token is asked for by itself with the same probability, where the reference
// draws a fixed number of places, some of them twice.
#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "braid/tasks/config.h"
#include "braid/tasks/task.h"
#include "braid/tasks/text/electra_pair.h"
#include "braid/tasks/text/masked_lm.h"
#include "braid/tasks/text/tokenized_model.h"

namespace braid::tasks {

// What both networks say of a batch. P: tokens that are asked for; T: those that are no padding.
struct ReplacedTokens {
  torch::Tensor guesses;    // [P,V] float32, the generator's logits
  torch::Tensor originals;  // [P] int64
  torch::Tensor logits;     // [T] float32, the discriminator's, above 0: replaced
  torch::Tensor replaced;   // [T] bool
  // Means over P and T.
  torch::Tensor generator_loss() const;
  torch::Tensor discriminator_loss() const;
};
// batch: of a MaskedLmCollate with draws. samples: [P] int64, what takes the places of the tokens
// that were asked for; undefined: drawn from the generator's softmax.
ReplacedTokens detect_replaced(ElectraPair& pair, const data::Batch& batch,
                               const torch::Tensor& samples = {});

// Scores: loss as it is trained (generator's, and disc_weight times the discriminator's; chooses
// the best epoch), disc_loss, disc_accuracy over all tokens, disc_f1 of replaced ones, and the
// generator's gen_perplexity and gen_top1 over the tokens that are asked for.
class ReplacedTokenDetection final : public Task {
 public:
  // discriminator and generator: ELECTRAs, see ElectraPair.
  ReplacedTokenDetection(const TaskConfig& config, MaskedLmBlocks blocks,
                         TokenizedModel discriminator, TokenizedModel generator);

  std::string name() const override { return kReplacedTokenDetection; }
  std::string items() const override { return "tokens"; }  // that are no padding
  void visit_config(FieldVisitor& v) const override {
    TaskConfig copy = config_;  // one list serves reading and writing
    copy.visit(v);
  }
  ElectraPair& model() override { return *pair_; }
  std::unique_ptr<data::Loader> training_loader(const TrainingData& options) const override;
  torch::Tensor forward(const data::Batch& batch) override;  // the discriminator's logits, [T]
  Step training_step(const data::Batch& batch) override;
  Scores evaluate(Split split, const EvaluateOptions& options, Progress& progress) override;
  data::Summary data() const override;
  // The discriminator, and in a folder within the generator.
  void save(const std::filesystem::path& folder) const override;

 private:
  std::shared_ptr<const data::Collate> collate(const data::TokenBlocksPtr& blocks,
                                               int64_t seed) const;

  TaskConfig config_;
  MaskedLmBlocks blocks_;
  TokenizedModel discriminator_, generator_;
  std::shared_ptr<ElectraPair> pair_;
};

// Whether the model is such a discriminator.
bool detects_replaced(const TokenizedModel& model);

struct SuspectToken {
  std::string text;
  int64_t begin = 0, end = 0;  // code points of the whole text
  double probability = 0;      // of having been replaced
};
// The tokens of a text, the likeliest replacement first, at most `top`. truncated: gets those that
// are cut from the text.
std::vector<SuspectToken> find_replaced(const TokenizedModel& model, const std::string& text,
                                        int64_t top, const std::string& dtype,
                                        int64_t* truncated = nullptr);

}  // namespace braid::tasks
