// Images with a class each, opened for training.
#pragma once
#include <memory>

#include "braid/data/dataset.h"
#include "braid/data/image/statistics.h"
#include "braid/tasks/task_data.h"

namespace braid::tasks {

class ImageData final : public TaskData {
 public:
  // spec: the data's name, for people.
  ImageData(data::Splits splits, std::string spec);
  std::string task() const override { return kImageClassification; }
  std::vector<std::string> remarks() const override;
  bool has_test() const override { return splits_.test != nullptr; }
  TrainingFacts facts(const TaskConfig& config, const FactOptions& options,
                      Progress& progress) const override;
  std::unique_ptr<Task> make_task(const TaskConfig& config, const TaskOptions& options,
                                  Progress& progress) const override;
  const data::Splits& splits() const { return splits_; }
  // Of the training images; measured once, when they are first asked for.
  const std::shared_ptr<data::SharedStatistics>& statistics() const { return statistics_; }

 private:
  data::Splits splits_;
  std::string spec_;
  std::shared_ptr<data::SharedStatistics> statistics_;
};

}  // namespace braid::tasks
