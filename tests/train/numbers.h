// A task without images: a linear layer that learns y = 2x, so that what the loop does can be
// worked out by hand.
#pragma once
#include <functional>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "braid/core/error.h"
#include "braid/models/model.h"
#include "braid/models/weights.h"
#include "braid/tasks/task.h"

namespace braid::train {

class Line final : public models::Model {
 public:
  Line() {
    torch::manual_seed(1);
    fc = register_module("fc", torch::nn::Linear(1, 1));
  }
  torch::Tensor forward(const torch::Tensor& x) { return fc->forward(x); }
  Json config() const override { return Json::object(); }
  std::vector<std::string> head_modules() const override { return {"fc"}; }
  int64_t layer_id(const std::string&) const override { return 0; }
  int64_t layer_count() const override { return 1; }
  torch::nn::Linear fc{nullptr};
};

class NumberCollate final : public data::Collate {
 public:
  explicit NumberCollate(std::set<int64_t> bad) : bad_(std::move(bad)) {}
  data::Batch operator()(const std::vector<int64_t>& indices, const Place&,
                         data::BadSamples& bad) const override {
    std::vector<int64_t> good;
    for (const int64_t index : indices)
      if (bad.guard([&] {
            if (bad_.contains(index)) throw DataError("numbers", "cannot be read");
          }))
        good.push_back(index);
    const auto x = torch::tensor(good, torch::kFloat).unsqueeze(1) / 10;
    return {{{"x", x}, {"labels", 2 * x}}, good};
  }

 private:
  std::set<int64_t> bad_;
};

// scores: of the evaluations in turn; the score is an error, lower is better.
class Numbers final : public tasks::Task {
 public:
  explicit Numbers(int64_t examples, std::vector<double> scores = {})
      : examples_(examples), scores_(std::move(scores)) {}
  std::string name() const override { return "numbers"; }
  std::string items() const override { return "numbers"; }
  void visit_config(FieldVisitor&) const override {}
  models::Model& model() override { return line; }
  std::unique_ptr<data::Loader> training_loader(const tasks::TrainingData& o) const override {
    return std::make_unique<data::Loader>(
        std::make_shared<NumberCollate>(bad),
        std::make_unique<data::Sequential>(examples_, o.batch_size),
        data::LoaderOptions{.workers = o.workers, .on_bad_sample = o.on_bad_sample});
  }
  torch::Tensor forward(const data::Batch& batch) override { return line.forward(batch.at("x")); }
  tasks::Step training_step(const data::Batch& batch) override {
    auto loss = (forward(batch) - batch.at("labels")).square().mean();
    ++steps;
    if (spoil && spoil(steps)) loss = loss * NAN;
    // Of a root at 0 there is no derivative.
    if (spoil_gradient && spoil_gradient(steps)) loss = loss + (line.fc->weight * 0).sum().sqrt();
    return {loss, static_cast<double>(batch.size())};
  }
  tasks::Scores evaluate(tasks::Split, const tasks::EvaluateOptions&, Progress&) override {
    const double value = scores_.empty() ? 0 : scores_.at(evaluations++ % scores_.size());
    return {{.name = "error",
             .unit = "",
             .value = value,
             .low = {},
             .high = {},
             .higher_is_better = false}};
  }
  data::Summary data() const override {
    data::Summary summary;
    summary.train = examples_;
    summary.left_out = left_out;
    return summary;
  }
  void save(const std::filesystem::path& folder) const override {
    models::save_weights(line, folder / "model.safetensors");
  }

  Line line;
  size_t evaluations = 0;
  int64_t steps = 0;                            // training steps so far
  std::set<int64_t> bad;                        // examples that cannot be read
  std::vector<data::LeftOut> left_out = {};     // of the data
  std::function<bool(int64_t)> spoil;           // whether the loss of this step is NaN
  std::function<bool(int64_t)> spoil_gradient;  // or its gradient alone

 private:
  int64_t examples_;
  std::vector<double> scores_;
};

}  // namespace braid::train
