// A task on its data, as a comparison sees it. compare() knows budgets, seeds, what is kept, who is
// recommended; everything else about the task is here.
#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "braid/core/config.h"
#include "braid/core/progress.h"
#include "braid/evaluate/latency.h"
#include "braid/evaluate/probe.h"
#include "braid/evaluate/result.h"
#include "braid/evaluate/run.h"
#include "braid/tasks/task.h"
#include "braid/torch.h"
#include "braid/train/recipes.h"

namespace braid::evaluate {

struct Taxonomy {
  std::string family;  // cnn, transformer, hybrid
  std::string fusion;  // how a hybrid joins convolution and attention; none: it does not
};

// What is known of a model before it is trained.
struct ModelProfile {
  std::string name;
  Taxonomy taxonomy;
  // Of the form that is shipped (branches folded) and, train_macs, of the one that is trained;
  // multiply-accumulates are of one item of input_size.
  int64_t params = 0, macs = 0, train_macs = 0;
  std::vector<int64_t> input_size;
  // Rough measurements, for the plan.
  double forward_items_per_s = 0, train_items_per_s = 0;
  double latency_ms = 0;  // of one item, in the form that is shipped; 0: unknown
  void visit(FieldVisitor& v);
};

// What two models make of the same test items together.
struct Joined {
  Score late_fusion;  // the deciding score of the mean of both models' probabilities
  Overlap overlap;    // of the items that they have right
};

// A model that was chosen rather than named, and why.
struct ModelChoice {
  std::string name, reason;
  void visit(FieldVisitor& v);
};

struct DeployTarget;

class Workload {
 public:
  virtual ~Workload() = default;
  virtual std::string task() const = 0;  // as tasks::Task names it
  virtual const DataSummary& data() const = 0;
  // Options that decide its runs, beyond the data and what every comparison has.
  virtual Json settings() const { return Json::object(); }
  // The models' full names, as resolve_starting_points() has them. Throws UsageError with near
  // matches for one that is unknown or named twice.
  virtual std::vector<std::string> resolve_models(const std::vector<std::string>& names,
                                                  bool pretrained) const;
  // What to compare when no model is named, up to so many of each family. profile: as profile()
  // makes it, once for each model; passes: over the training data that the budget affords a model.
  // Throws UsageError where the task has no opinion.
  virtual std::vector<ModelChoice> choose_models(
      const std::function<ModelProfile(const std::string&)>& profile,
      const std::function<double(const ModelProfile&)>& passes, size_t per_family) const;
  // Of the registry's entry.
  virtual Taxonomy taxonomy(const std::string& model) const;
  // Builds the model for the data, so that one that cannot be built fails before any is trained.
  virtual ModelProfile profile(const std::string& model) const = 0;
  // The settings that follow from the run's model and passes.
  virtual train::Recipe recipe(const Run& run) const = 0;
  virtual int64_t training_items(const Run& run) const = 0;
  // checkpoint: of a run that goes on; empty: a new one.
  virtual std::unique_ptr<tasks::Task> make_task(const Run& run,
                                                 const std::filesystem::path& checkpoint,
                                                 Progress& progress) const = 0;

  // Whether its runs know folds: otherwise --folds is refused.
  virtual bool can_fold() const { return false; }
  // On the test split; where the data has none, on the val of the run's fold. May leave
  // run.predictions for join() and right_items().
  virtual TestResult evaluate(const TrainedRun& run, Progress& progress) const = 0;
  // The trained model as it is shipped, ready to be timed.
  virtual std::unique_ptr<Inference> inference(const TrainedRun& run) const = 0;
  // What is measured beside scores, latency and sample efficiency.
  virtual std::vector<std::unique_ptr<Probe>> probes(Progress& progress) const {
    (void)progress;
    return {};
  }
  // Throws UsageError where this task's models cannot ship so.
  virtual void check_deploy(const DeployTarget& target) const;
  // The name of what ships, in a folder of its own: a file's, or that of a folder where several
  // files ship together.
  virtual std::string deployed_name(const DeployTarget& target) const;
  // The trained model, written to `file`, a path that ends in that name, for the target's engine,
  // which is measured on the test split and timed. Throws DataError where this model cannot ship
  // so.
  virtual Deployed deploy(const TrainedRun& run, const DeployTarget& target,
                          const std::filesystem::path& file, Progress& progress) const;
  // Simple models on the same data, trained within about so many seconds.
  virtual References references(double seconds, Progress& progress) const {
    (void)seconds, (void)progress;
    return {};
  }
  // Which items an evaluated run has right, [N] bool, in the order of what it was tested on.
  // Nothing where the deciding score is not their share.
  virtual std::optional<torch::Tensor> right_items(const TrainedRun& run) const {
    (void)run;
    return std::nullopt;
  }
  // Whether make_task() knows what to do with a run's teacher.
  virtual bool can_distill() const { return false; }
  // Runs of one CNN and those of one Transformer, each pair of the same fold, all evaluated: what
  // they were tested on counts together. Nothing where the task has no probabilities to join.
  virtual std::optional<Joined> join(const std::vector<TrainedRun>& cnn,
                                     const std::vector<TrainedRun>& transformer) const {
    (void)cnn, (void)transformer;
    return std::nullopt;
  }
};

}  // namespace braid::evaluate
