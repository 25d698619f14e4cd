// Data that was opened for a task: the way from a user's settings to what is trained, for every
// kind of data.
#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "braid/core/progress.h"
#include "braid/tasks/config.h"
#include "braid/tasks/task.h"

namespace braid::tasks {

// What settings of a training may hang on.
struct TrainingFacts {
  int64_t train_items = 0;
  int64_t params = 0;
  int64_t input_size = 0;    // pixels along one side of an image, tokens of a text
  double items_per_s = 0;    // of training; 0: not measured
  double batch_items = 0;    // where batches hold tokens: items of one; 0: batch_size
  bool fine_tuning = false;  // from published weights
  bool batch_norms = false;  // of an image model
};

struct FactOptions {
  int64_t seed = 0;  // of the weights that are made for it
  std::string device = "cpu", dtype = "float32";
  bool measure_rate = false;  // lets the model train for a moment
};

struct TaskOptions {
  int64_t seed = 0;  // of the weights' initialization
  // The last checkpoint of a run that goes on: its config.json decides the model, and no initial
  // weights are fetched; empty: a new run.
  std::filesystem::path checkpoint = {};
};

class TaskData {
 public:
  virtual ~TaskData() = default;
  virtual std::string task() const = 0;  // as Task names it
  // What a user should know of the data before anything is done with it, a line each.
  virtual std::vector<std::string> remarks() const = 0;
  virtual bool has_test() const = 0;  // a split that only a test may use
  // Makes the model once. Throws what make_task() throws.
  virtual TrainingFacts facts(const TaskConfig& config, const FactOptions& options,
                              Progress& progress) const = 0;
  // Throws ConfigError, DataError or IoError.
  virtual std::unique_ptr<Task> make_task(const TaskConfig& config, const TaskOptions& options,
                                          Progress& progress) const = 0;
};

}  // namespace braid::tasks
