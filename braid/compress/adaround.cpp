#include "braid/compress/adaround.h"

#include <torch/optim/adam.h>

#include <algorithm>
#include <cmath>

#include "braid/graph/replay.h"

namespace braid::compress {
namespace {

using torch::Tensor;

// The sigmoid is stretched so that it reaches 0 and 1.
constexpr double kStretch = 1.2, kShift = -0.1;
constexpr double kFirstBeta = 20, kLastBeta = 2;
constexpr double kWarmup = 0.2;  // of the iterations, without regularization

Tensor rounding_of(const Tensor& v) { return (v.sigmoid() * kStretch + kShift).clamp(0, 1); }

// A graph's constants, of which some may be the model's own parameters.
std::vector<Tensor> constants_of(const Graph& graph) {
  std::vector<Tensor> values;
  for (const auto& value : graph.values)
    values.push_back(value.constant.defined() ? value.constant.detach() : value.constant);
  return values;
}

Tensor layer_output(std::vector<Tensor>& values, const Node& layer, const Tensor& input,
                    const Tensor& weight) {
  values[static_cast<size_t>(layer.value("input"))] = input;
  values[static_cast<size_t>(layer.value("weight"))] = weight;
  return graph::call(layer, values, input.size(0)).at(0);
}

double mean_square(const std::vector<Tensor>& batches) {
  double sum = 0;
  int64_t count = 0;
  for (const auto& x : batches) {
    sum += x.square().sum().item<double>();
    count += x.numel();
  }
  return std::max(sum / static_cast<double>(std::max<int64_t>(count, 1)), 1e-12);
}

}  // namespace

Tensor rounded_adaptively(const Graph& graph, const Node& layer, const WeightGrid& grid,
                          const std::vector<Tensor>& inputs, const std::vector<Tensor>& outputs,
                          const AdaRoundOptions& options) {
  const auto weight = weight_of(graph, layer);
  const auto scales = along_outputs(grid.scales, weight.dim());
  const auto most = static_cast<double>(grid.most);
  const auto exact = weight / scales;
  const auto below = exact.floor();
  const auto rest = (exact - below).clamp(0.01, 0.99);
  // rounding_of(v) is the rest.
  auto v = ((rest - kShift) / kStretch).logit().contiguous().requires_grad_();
  torch::optim::Adam adam({v}, torch::optim::AdamOptions(options.lr));
  auto values = constants_of(graph);
  const double spread = mean_square(outputs);
  for (int64_t i = 0; i < options.iterations; ++i) {
    const auto part = static_cast<size_t>(i) % inputs.size();
    const auto &input = inputs[part], &output = outputs[part];
    const int64_t items = input.size(0), batch = std::min(options.batch, items);
    const int64_t first = i * batch % (items - batch + 1);
    const torch::AutoGradMode with_gradients(true);
    const auto rounding = rounding_of(v);
    const auto rounded = (below + rounding).clamp(-most, most) * scales;
    const auto got = layer_output(values, layer, input.slice(0, first, first + batch), rounded);
    auto loss = (got - output.slice(0, first, first + batch)).square().mean() / spread;
    const double progress = static_cast<double>(i) / static_cast<double>(options.iterations);
    if (progress >= kWarmup) {
      const double beta =
          kLastBeta + (kFirstBeta - kLastBeta) *
                          (1 + std::cos(M_PI * (progress - kWarmup) / (1 - kWarmup))) / 2;
      loss = loss + options.regularization * (1 - (2 * rounding - 1).abs().pow(beta)).mean();
    }
    adam.zero_grad();
    loss.backward();
    adam.step();
  }
  return (below + (rounding_of(v) >= 0.5).to(weight.scalar_type())).clamp(-most, most) * scales;
}

int64_t round_adaptively(Graph& graph, const Placement& placement, WeightGrids& grids,
                         const std::vector<Inputs>& batches, const AdaRoundOptions& options,
                         Progress& progress) {
  constexpr int64_t kFine = 63;  // grids of 7 bits and more need no help
  const torch::NoGradGuard no_grad;
  std::vector<size_t> layers;
  std::map<ValueId, std::vector<Tensor>> kept;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const auto& node = graph.nodes[i];
    if (!placement.units.contains(node.outputs.at(0)) || !is_layer(graph, node) ||
        grids.at(node.value("weight")).most >= kFine)
      continue;
    layers.push_back(i);
    kept[node.value("input")] = {};
    kept[node.outputs[0]] = {};
  }
  graph::replay_together(graph, batches, [&](ValueId id, std::vector<Tensor>& x) {
    if (const auto it = kept.find(id); it != kept.end()) it->second = x;
  });
  progress.begin("round", static_cast<int64_t>(layers.size()));
  for (size_t i = 0; i < layers.size(); ++i) {
    auto& layer = graph.nodes[layers[i]];
    const auto grid = grids.at(layer.value("weight"));
    const auto weight = rounded_adaptively(graph, layer, grid, kept.at(layer.value("input")),
                                           kept.at(layer.outputs[0]), options);
    replace_constant(graph, layer, "weight", weight);
    grids[layer.value("weight")] = grid;
    progress.update(static_cast<int64_t>(i) + 1, layer.module);
  }
  progress.end();
  return static_cast<int64_t>(layers.size());
}

}  // namespace braid::compress
