// Image classification as a comparison sees it.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "braid/data/dataset.h"
#include "braid/data/image/statistics.h"
#include "braid/evaluate/compare_config.h"
#include "braid/evaluate/workload.h"
#include "braid/models/vision/image_checkpoint.h"
#include "braid/tasks/config.h"
#include "braid/tasks/task.h"
#include "braid/train/config.h"

namespace braid::evaluate {

class ImageWorkload final : public Workload {
 public:
  // Throws UsageError for the models' names, DataError or IoError for the data.
  ImageWorkload(const CompareConfig& config, Progress& progress);

  std::string task() const override { return tasks::kImageClassification; }
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
  References references(double seconds, Progress& progress) const override;
  bool can_distill() const override { return true; }
  std::optional<Joined> join(const std::vector<TrainedRun>& cnn,
                             const std::vector<TrainedRun>& transformer) const override;
  std::optional<torch::Tensor> right_items(const TrainedRun& run) const override;

 private:
  // The share of train and val that a run sees.
  struct Part {
    data::Splits splits;
    std::shared_ptr<data::SharedStatistics> statistics;  // of splits.train
  };
  const Part& part_of(const Run& run) const;
  // What it is tested on: the test split; without one the val of its fold.
  const data::DatasetPtr& test_of(const Run& run) const;
  tasks::TaskConfig task_config(const Run& run) const;
  tasks::EvaluateOptions options() const;
  // Folded, in eval mode, on the comparison's device.
  models::LoadedModel load(const TrainedRun& run) const;

  CompareConfig config_;
  Progress& progress_;
  std::vector<data::Splits> folds_;                          // without cross-validation one
  mutable std::map<std::pair<size_t, double>, Part> parts_;  // by fold and Run::fraction
  DataSummary summary_;
};

}  // namespace braid::evaluate
