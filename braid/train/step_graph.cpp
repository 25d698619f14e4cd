#include "braid/train/step_graph.h"

#include <algorithm>

namespace braid::train {

bool StepGraph::fits(const data::Batch& batch) const {
  return std::equal(batch.tensors.begin(), batch.tensors.end(), input_.tensors.begin(),
                    input_.tensors.end(), [](const auto& a, const auto& b) {
                      return a.first == b.first && a.second.sizes() == b.second.sizes() &&
                             a.second.strides() == b.second.strides() &&
                             a.second.options().type_equal(b.second.options());
                    });
}

void StepGraph::record(const Loss& loss) {
  for (auto& [name, tensor] : input_.tensors) tensor = tensor.clone();
  runtime::DeviceGraph graph;
  try {
    graph.record([&] {
      loss_ = loss(input_);
      loss_.backward();
      loss_ = loss_.detach();
    });
  } catch (const c10::Error& e) {
    failure_ = e.what_without_backtrace();
  }
  gradients_.clear();
  for (auto& parameter : parameters_) {
    gradients_.push_back(parameter.grad());
    parameter.mutable_grad().reset();
  }
  if (failure_.empty()) graph_ = std::move(graph);
}

std::optional<torch::Tensor> StepGraph::run(const data::Batch& batch, const Loss& loss) {
  if (!failure_.empty()) return std::nullopt;
  if (!fits(batch)) {
    if (graph_) return std::nullopt;  // an epoch's last batch is smaller than the others
    input_ = batch;
    seen_ = 0;
  }
  if (!graph_) {
    if (++seen_ <= kWarmUps) return std::nullopt;
    record(loss);
    if (!graph_) return std::nullopt;
  }
  for (auto& [name, tensor] : input_.tensors) tensor.copy_(batch.at(name), /*non_blocking=*/true);
  graph_->replay();
  for (size_t i = 0; i < parameters_.size(); ++i) parameters_[i].mutable_grad() = gradients_[i];
  return loss_;
}

}  // namespace braid::train
