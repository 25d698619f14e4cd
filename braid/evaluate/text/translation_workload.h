// Translation as a comparison sees it.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "braid/evaluate/compare_config.h"
#include "braid/evaluate/workload.h"
#include "braid/tasks/text/translation_data.h"

namespace braid::evaluate {

// Items are pairs. A budget of FLOPs is refused: batches hold tokens, not so many pairs.
class TranslationWorkload final : public Workload {
 public:
  // Throws UsageError for the models' names or the budget, DataError or IoError for the data.
  TranslationWorkload(const CompareConfig& config, Progress& progress);

  std::string task() const override { return tasks::kTranslation; }
  const DataSummary& data() const override { return summary_; }
  Json settings() const override;
  std::vector<ModelChoice> choose_models(
      const std::function<ModelProfile(const std::string&)>& profile,
      const std::function<double(const ModelProfile&)>& passes, size_t per_family) const override;
  ModelProfile profile(const std::string& model) const override;
  train::Recipe recipe(const Run& run) const override;
  int64_t training_items(const Run& run) const override;
  std::unique_ptr<tasks::Task> make_task(const Run& run, const std::filesystem::path& checkpoint,
                                         Progress& progress) const override;
  // BLEU, chrF and the loss of all test pairs, with the beams of `braid translate`; no translation
  // is longer than twice its source.
  TestResult evaluate(const TrainedRun& run, Progress& progress) const override;
  std::unique_ptr<Inference> inference(const TrainedRun& run) const override;
  std::vector<std::unique_ptr<Probe>> probes(Progress& progress) const override;
  void check_deploy(const DeployTarget& target) const override;
  std::string deployed_name(const DeployTarget& target) const override;
  Deployed deploy(const TrainedRun& run, const DeployTarget& target,
                  const std::filesystem::path& file, Progress& progress) const override;
  References references(double seconds, Progress& progress) const override;

 private:
  // The share of train and val that a run sees, with the tokenizer that is learned from it.
  const tasks::TranslationData& part_of(const Run& run) const;
  tasks::TaskConfig task_config(const Run& run) const;
  // In eval mode, on the comparison's device.
  tasks::Translator load(const TrainedRun& run) const;

  CompareConfig config_;
  Progress& progress_;
  data::ParallelSplits splits_;
  data::ParallelTextPtr test_;  // val where the data has none
  mutable std::map<double, std::unique_ptr<tasks::TranslationData>> parts_;  // by Run::fraction
  DataSummary summary_;
};

}  // namespace braid::evaluate
