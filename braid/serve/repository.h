// The models that are served, by name: loaded, exchanged and unloaded while others ask for them.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "braid/serve/batcher.h"
#include "braid/serve/metrics.h"
#include "braid/serve/model.h"
#include "braid/serve/worker_pool.h"

namespace braid::serve {

struct ModelSource {
  std::string name{}, source{};  // source: what LoadModel takes
};

// A loaded model with its queue. Who holds one may go on asking it after it was exchanged.
class ServedModel {
 public:
  ServedModel(std::string name, std::unique_ptr<Model> model, const BatchOptions& options,
              ModelMetrics& metrics)
      : name(std::move(name)),
        metrics(metrics),
        model(std::move(model)),
        batcher(*this->model->engine, options, metrics) {}
  const std::string name;
  ModelMetrics& metrics;
  const std::unique_ptr<const Model> model;
  Batcher batcher;  // ends before the model
};
using ServedModelPtr = std::shared_ptr<ServedModel>;

struct ModelState {
  // READY, LOADING, UNAVAILABLE; reason: why not, or why another engine computes
  std::string name{}, state{}, reason{};
};

class Repository {
 public:
  // sources: of names that are always there. folder: whose folders and files NAME.onnx are models
  // too; may be empty.
  // loader: where models end, since that may take as long as their queue. Throws UsageError for a
  // name that is no name, that is an address's ("stats"), or that is there twice.
  Repository(LoadModel load, const std::vector<ModelSource>& sources,
             const std::filesystem::path& folder, const BatchOptions& options, Metrics& metrics,
             WorkerPool& loader);

  // None where it is not loaded.
  ServedModelPtr find(const std::string& name) const;
  std::vector<std::string> ready() const;
  // {name of a ready model: what computes it}
  std::map<std::string, std::string> platforms() const;
  // All that could be loaded, in the order of their names.
  std::vector<ModelState> index() const;
  // Whether load(name) would find anything.
  bool knows(const std::string& name) const;

  // Loads, or loads again: until the new one is ready the old one answers, and goes on where the
  // new one cannot be loaded. Throws UsageError for an unknown name and for "stats", TryAgainError
  // after clear(), and what loading throws.
  void load(const std::string& name);
  // What is queued is answered. False where it is not loaded. What the folder no longer holds is
  // forgotten.
  bool unload(const std::string& name);
  // Lets go of all models and waits until nobody holds one, and until a load that runs has ended;
  // its model is not kept, and no other is loaded afterwards.
  void clear();

 private:
  struct Entry {
    std::string source{};  // empty: of the folder
    ServedModelPtr model{};
    bool loading = false;
    std::string reason{};  // why it is not loaded, or not loaded again
  };
  std::string source_of(const std::string& name) const;
  void expect_open() const;  // the mutex is held
  ServedModelPtr hold(std::unique_ptr<ServedModel> served);

  const LoadModel load_;
  const std::filesystem::path folder_;
  const BatchOptions options_;
  Metrics& metrics_;
  WorkerPool& loader_;
  std::mutex loading_;  // one at a time: a model takes memory twice while it is exchanged
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;
  bool closed_ = false;  // for good: nothing is loaded any more
  int64_t alive_ = 0;    // models that somebody holds
  std::condition_variable ended_;
};

// Letters, digits, '.', '_' and '-', not beginning with a dot: what may stand in a path and an
// address.
bool is_model_name(const std::string& name);

}  // namespace braid::serve
