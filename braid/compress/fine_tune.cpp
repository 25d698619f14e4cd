#include "braid/compress/fine_tune.h"

#include <torch/optim/adam.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "braid/compress/quality.h"
#include "braid/graph/replay.h"

namespace braid::compress {
namespace {

using torch::Tensor;

// A layer's weight as its quantized twin has it: of linear layers on tokens, transposed.
struct TwinWeight {
  size_t layer;  // of the graph's nodes
  ValueId constant;
  bool transposed;
};

bool quantizes_constant(const Graph& twin, const Node& node) {
  return node.name().starts_with("aten::fake_quantize") &&
         twin.is_constant(node.arguments.at(0).values.at(0));
}

// In both graphs weights come in the order of their layers.
std::vector<TwinWeight> twin_weights(const Graph& graph, const Placement& placement,
                                     const Graph& twin) {
  std::vector<TwinWeight> weights;
  size_t layer = 0;
  for (const auto& node : twin.nodes) {
    if (!quantizes_constant(twin, node)) continue;
    while (!placement.units.contains(graph.nodes.at(layer).outputs.at(0)) ||
           !is_layer(graph, graph.nodes[layer]))
      ++layer;
    const auto& own = graph.nodes[layer];
    weights.push_back({layer++, node.arguments[0].values[0],
                       is_linear(graph, own) && graph.at(own.value("input")).shape.size() > 2});
  }
  return weights;
}

// [M,K] of what a graph gives.
Tensor classes_of(const Graph& graph, const Inputs& inputs) {
  const auto logits = graph::replay(graph, inputs).at(0);
  return as_classes(logits.reshape({-1, logits.size(-1)})).log_softmax(-1);
}

// Parts of the batches of at most so many items, and what the reference gives for them.
struct Lesson {
  Inputs inputs;
  Tensor classes;
};
std::vector<Lesson> lessons_of(const Graph& reference, const std::vector<Inputs>& batches,
                               int64_t most) {
  std::vector<Lesson> lessons;
  for (const auto& batch : batches)
    for (int64_t first = 0; first < batch.at(0).size(0); first += most) {
      Lesson lesson;
      for (const auto& input : batch)
        lesson.inputs.push_back(input.slice(0, first, first + most).contiguous());
      lesson.classes = classes_of(reference, lesson.inputs);
      lessons.push_back(std::move(lesson));
    }
  return lessons;
}

}  // namespace

void fine_tune(Graph& graph, const Placement& placement, const Ranges& ranges, WeightGrids& grids,
               const Graph& reference, const std::vector<Inputs>& batches,
               const FineTuneOptions& options, Progress& progress) {
  Graph twin = insert_qdq(graph, placement, ranges, grids);
  for (auto& value : twin.values)  // constants may be the model's own parameters
    if (value.constant.defined()) value.constant = value.constant.detach();
  const auto weights = twin_weights(graph, placement, twin);
  std::set<ValueId> trained;
  for (const auto& weight : weights) {
    trained.insert(weight.constant);
    const ValueId bias = graph.nodes[weight.layer].value("bias");
    if (bias != graph::kNoValue) trained.insert(bias);
  }
  std::vector<Tensor> learned;
  for (const ValueId id : trained) {
    auto& constant = twin.at(id).constant;
    constant = constant.clone().requires_grad_();
    learned.push_back(constant);
  }
  std::vector<Lesson> lessons;
  {
    const torch::NoGradGuard no_grad;
    lessons = lessons_of(reference, batches, options.batch);
  }
  torch::optim::Adam adam(learned, torch::optim::AdamOptions(options.lr));
  progress.begin("fine-tune", options.steps);
  for (int64_t step = 0; step < options.steps; ++step) {
    const torch::AutoGradMode with_gradients(true);
    const double part = static_cast<double>(step) / static_cast<double>(options.steps);
    adam.param_groups()[0].options().set_lr(options.lr * (1 + std::cos(M_PI * part)) / 2);
    const auto& lesson = lessons[static_cast<size_t>(step) % lessons.size()];
    const auto loss = at::kl_div(classes_of(twin, lesson.inputs), lesson.classes,
                                 at::Reduction::Sum, /*log_target=*/true) /
                      lesson.classes.size(0);
    adam.zero_grad();
    loss.backward();
    adam.step();
    progress.update(step + 1, "");
  }
  progress.end();
  for (const auto& weight : weights) {
    auto& layer = graph.nodes[weight.layer];
    const auto grid = grids.at(layer.value("weight"));
    const auto tensor = twin.at(weight.constant).constant.detach();
    replace_constant(graph, layer, "weight", weight.transposed ? tensor.t() : tensor);
    grids[layer.value("weight")] = grid;
    if (const ValueId bias = layer.value("bias"); bias != graph::kNoValue)
      replace_constant(graph, layer, "bias", twin.at(bias).constant.detach().clone());
  }
}

}  // namespace braid::compress
