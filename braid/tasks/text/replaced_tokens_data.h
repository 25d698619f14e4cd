// Plain text, opened for ELECTRA's pre-training.
#pragma once
#include <memory>
#include <string>

#include "braid/tasks/text/masked_lm_data.h"

namespace braid::tasks {

class ReplacedTokensData final : public MaskedLmData {
 public:
  using MaskedLmData::MaskedLmData;
  std::string task() const override { return kReplacedTokenDetection; }
  // Throws UsageError for a model that is no ELECTRA, ConfigError with next_sentence. Weights may
  // have the generator's beside them; else it begins fresh.
  std::unique_ptr<Task> make_task(const TaskConfig& config, const TaskOptions& options,
                                  Progress& progress) const override;
  TrainingFacts facts(const TaskConfig& config, const FactOptions& options,
                      Progress& progress) const override;

 private:
  TokenizedModel make_generator(const TaskConfig& config, const TokenizedModel& discriminator,
                                int64_t seed, Progress& progress) const;
};

}  // namespace braid::tasks
