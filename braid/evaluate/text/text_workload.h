// Text classification as a comparison sees it.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "braid/evaluate/compare_config.h"
#include "braid/evaluate/workload.h"
#include "braid/tasks/text/text_data.h"

namespace braid::evaluate {

class TextWorkload final : public Workload {
 public:
  // Throws UsageError for the models' names, DataError or IoError for the data.
  TextWorkload(const CompareConfig& config, Progress& progress);

  std::string task() const override { return tasks::kTextClassification; }
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
  TestResult evaluate(const TrainedRun& run, Progress& progress) const override;
  std::unique_ptr<Inference> inference(const TrainedRun& run) const override;
  std::vector<std::unique_ptr<Probe>> probes(Progress& progress) const override;
  void check_deploy(const DeployTarget&) const override {}
  Deployed deploy(const TrainedRun& run, const DeployTarget& target,
                  const std::filesystem::path& file, Progress& progress) const override;
  bool can_fold() const override { return true; }
  bool can_distill() const override { return true; }
  References references(double seconds, Progress& progress) const override;
  std::optional<Joined> join(const std::vector<TrainedRun>& cnn,
                             const std::vector<TrainedRun>& transformer) const override;
  std::optional<torch::Tensor> right_items(const TrainedRun& run) const override;

 private:
  // The share of train and val that a run sees, with the tokenizer that is learned from it.
  const tasks::TextData& part_of(const Run& run) const;
  // What it is tested on: the test split; without one the val of its fold.
  const data::TextDatasetPtr& test_of(const Run& run) const;
  tasks::TaskConfig task_config(const Run& run) const;
  tasks::EvaluateOptions options() const;
  // In eval mode, on the comparison's device.
  tasks::TokenizedModel load(const TrainedRun& run) const;

  CompareConfig config_;
  Progress& progress_;
  std::vector<data::TextSplits> folds_;  // without cross-validation one
  // By fold and Run::fraction.
  mutable std::map<std::pair<size_t, double>, std::unique_ptr<tasks::TextData>> parts_;
  DataSummary summary_;
};

}  // namespace braid::evaluate
