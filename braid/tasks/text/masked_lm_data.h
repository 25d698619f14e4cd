// Plain text, opened for pre-training.
#pragma once
#include <map>
#include <string>

#include "braid/data/text/plain_text.h"
#include "braid/tasks/task_data.h"
#include "braid/tasks/text/masked_lm.h"

namespace braid::tasks {

class MaskedLmData : public TaskData {
 public:
  // val_fraction: of the text, its end, where there is no val. on_bad_sample: of a row without a
  // text.
  MaskedLmData(data::PlainTextFiles files, std::string spec, double val_fraction,
               std::string on_bad_sample);
  std::string task() const override { return kMaskedLm; }
  std::vector<std::string> remarks() const override;
  bool has_test() const override { return false; }
  TrainingFacts facts(const TaskConfig& config, const FactOptions& options,
                      Progress& progress) const override;
  std::unique_ptr<Task> make_task(const TaskConfig& config, const TaskOptions& options,
                                  Progress& progress) const override;

 protected:
  TokenizedModel make_model(const TaskConfig& config, models::TextHead head, int64_t seed,
                            Progress& progress) const;
  TrainingFacts facts_with(models::TextHead head, const TaskConfig& config,
                           const FactOptions& options, Progress& progress) const;
  // Of the texts as this model reads them; tokenized once.
  const MaskedLmBlocks& blocks_for(const TaskConfig& config, const TokenizedModel& model,
                                   Progress& progress) const;

 private:
  data::PlainTextFiles files_;
  std::string spec_;
  double val_fraction_;
  std::string on_bad_sample_;
  mutable std::map<std::string, text::TokenizerPtr> tokenizers_;  // by what they come from
  mutable std::map<const text::Tokenizer*, MaskedLmBlocks> blocks_;
};

}  // namespace braid::tasks
