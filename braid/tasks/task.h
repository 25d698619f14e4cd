// What is trained: a model with its data, its loss and its scores. The loop that trains it
// (train/trainer.h) knows nothing more of it.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "braid/core/config.h"
#include "braid/core/progress.h"
#include "braid/data/batch.h"
#include "braid/data/loader.h"
#include "braid/data/summary.h"
#include "braid/models/model.h"
#include "braid/tasks/score.h"
#include "braid/torch.h"

namespace braid::tasks {

enum class Split { kTrain, kVal, kTest };

// One batch's contribution to an optimizer step.
struct Step {
  torch::Tensor loss;  // scalar: the mean over `weight` items
  double weight = 0;   // items: images, or tokens
};

// How a split is loaded for training.
struct TrainingData {
  int64_t batch_size = 128;
  int64_t workers = 2;                  // loader threads
  int64_t seed = 0;                     // of order and augmentation
  std::string on_bad_sample = "error";  // error, skip
};

struct EvaluateOptions {
  int64_t batch_size = 128;
  int64_t workers = 2;
  std::string dtype = "float32";
  std::string on_bad_sample = "error";
  void visit(FieldVisitor& v);
};

class Task {
 public:
  virtual ~Task() = default;
  virtual std::string name() const = 0;   // "image_classification"
  virtual std::string items() const = 0;  // what Step::weight counts: "images", "tokens"
  // Everything that decides the task, flat, as TaskConfig names it.
  virtual void visit_config(FieldVisitor& v) const = 0;
  virtual models::Model& model() = 0;
  // Moves the model, and whatever else computes, to the device.
  virtual void to(const torch::Device& device) { model().to(device); }
  virtual std::unique_ptr<data::Loader> training_loader(const TrainingData& options) const = 0;
  // The model's output for a batch on its device.
  virtual torch::Tensor forward(const data::Batch& batch) = 0;
  // Forward pass and loss of a batch on the model's device; the caller has set training mode and
  // precision.
  virtual Step training_step(const data::Batch& batch) = 0;
  // Whether training_step() does the same for every batch of one shape: no operator, size or number
  // on the host hangs on what the batch holds, and its weight is the number of examples. Such steps
  // can be recorded for a GPU.
  virtual bool has_static_steps() const { return false; }
  // The first score is the one that chooses the best epoch. Throws DataError where the data has no
  // such split.
  virtual Scores evaluate(Split split, const EvaluateOptions& options, Progress& progress) = 0;
  // Items of the split that its last evaluation left out because they could not be read.
  virtual int64_t unread(Split split) const { return (void)split, 0; }
  // What it learns from, in numbers.
  virtual data::Summary data() const { return {}; }
  // What the weights of a pass over the training items add up to, where that is not their number.
  virtual std::optional<double> pass_weight() const { return std::nullopt; }
  // Into an empty folder: weights, config.json and whatever else the model needs to be used.
  virtual void save(const std::filesystem::path& folder) const = 0;
};

}  // namespace braid::tasks
