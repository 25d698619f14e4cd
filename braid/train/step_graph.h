// The forward and backward pass of a training step as one launch.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "braid/data/batch.h"
#include "braid/runtime/device_graph.h"
#include "braid/torch.h"

namespace braid::train {

// For steps that do the same for every batch of one shape (tasks::Task::is_static): the same
// operators on the same sizes, and no number read from the device. Batches of a shape run operator
// by operator until it has come often enough in a row; then the step is recorded, and batches of
// that shape replay it. A step that cannot be recorded goes on operator by operator.
class StepGraph {
 public:
  // Runs the forward pass of a batch and returns its loss.
  using Loss = std::function<torch::Tensor(const data::Batch&)>;

  static constexpr int64_t kWarmUps = 3;  // batches in a row

  // parameters: those that get a gradient.
  explicit StepGraph(std::vector<torch::Tensor> parameters) : parameters_(std::move(parameters)) {}

  // The batch's loss, and its gradients as the parameters' own, as by backward(): they begin
  // without any. Nothing where such a batch has to run operator by operator.
  std::optional<torch::Tensor> run(const data::Batch& batch, const Loss& loss);
  // Why the step could not be recorded; empty: it was, or is still to be.
  const std::string& failure() const { return failure_; }

 private:
  bool fits(const data::Batch& batch) const;
  void record(const Loss& loss);

  std::vector<torch::Tensor> parameters_, gradients_;
  data::Batch input_;  // what the recorded operators read
  torch::Tensor loss_;
  std::optional<runtime::DeviceGraph> graph_;
  int64_t seen_ = 0;  // batches in a row like input_
  std::string failure_;
};

}  // namespace braid::train
