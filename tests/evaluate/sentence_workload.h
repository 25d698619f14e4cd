// A task that braid does not know: sentences of two moods, judged by the share that is wrong. Its
// models are a bag of embeddings and a convolution over them.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "braid/evaluate/workload.h"
#include "braid/models/model.h"

namespace braid::test {

using evaluate::Run;
using evaluate::TrainedRun;

struct Sentences {
  std::vector<std::vector<int64_t>> words;
  std::vector<int64_t> labels;
  int64_t size() const { return static_cast<int64_t>(labels.size()); }
};

class SentenceModel : public models::Model {
 public:
  explicit SentenceModel(bool convolution);
  torch::Tensor classify(const torch::Tensor& ids);  // [B,T] -> [B,2]

  // What a model promises and nobody asks here.
  Json config() const override { return {{"convolution", !conv_.is_empty()}}; }
  int64_t layer_id(const std::string&) const override { return 0; }
  int64_t layer_count() const override { return 1; }
  std::vector<std::string> head_modules() const override { return {"head"}; }

 private:
  torch::nn::Embedding embedding_ = nullptr;
  torch::nn::Conv1d conv_ = nullptr;
  torch::nn::Linear head_ = nullptr;
};

// Models: "bag" (said to be a Transformer), "conv" (a CNN), "boom" and "boom2" (do not fit into
// memory), "sick" (its data cannot be read).
class SentenceWorkload : public evaluate::Workload {
 public:
  SentenceWorkload();
  std::string task() const override { return "mood"; }
  const evaluate::DataSummary& data() const override { return summary_; }
  std::vector<std::string> resolve_models(const std::vector<std::string>& names,
                                          bool) const override {
    return names;
  }
  evaluate::Taxonomy taxonomy(const std::string& model) const override;
  evaluate::ModelProfile profile(const std::string& model) const override;
  train::Recipe recipe(const Run& run) const override;
  int64_t training_items(const Run& run) const override;
  std::unique_ptr<tasks::Task> make_task(const Run& run, const std::filesystem::path& checkpoint,
                                         Progress& progress) const override;
  evaluate::TestResult evaluate(const TrainedRun& run, Progress& progress) const override;
  std::unique_ptr<evaluate::Inference> inference(const TrainedRun& run) const override;
  std::vector<std::unique_ptr<evaluate::Probe>> probes(Progress& progress) const override;
  std::optional<evaluate::Joined> join(const std::vector<TrainedRun>& cnn,
                                       const std::vector<TrainedRun>& transformer) const override;
  mutable int64_t trainings = 0;
  std::function<void()> before_step;  // of any training

 private:
  std::shared_ptr<const Sentences> train_, val_, test_;
  evaluate::DataSummary summary_;
};

}  // namespace braid::test
