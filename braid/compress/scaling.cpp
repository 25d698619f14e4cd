#include "braid/compress/scaling.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "braid/graph/replay.h"

namespace braid::compress {
namespace {

using torch::Tensor;

constexpr std::array<double, 5> kAlphas = {0.25, 0.5, 0.7, 0.85, 0.95};
// The error must fall by this share, or the site is left as it is.
constexpr double kLeastGain = 0.05;
constexpr int64_t kRangeSample = 1 << 13;

// Of a value's batches together.
Range sampled_range(const std::vector<Tensor>& batches) {
  int64_t count = 0;
  for (const auto& x : batches) count += x.numel();
  const int64_t step = std::max<int64_t>(count / kRangeSample, 1);
  Range range;  // holds zero, as every range does
  std::vector<Tensor> samples;
  for (const auto& x : batches) {
    const auto flat = x.flatten();
    const auto [low, high] = flat.aminmax();
    range = {std::min(range.low, low.item<double>()), std::max(range.high, high.item<double>())};
    samples.push_back(flat.slice(0, 0, flat.numel(), step));
  }
  return mse_range(torch::cat(samples), range);
}

class Search {
 public:
  Search(Graph& graph, const std::vector<Inputs>& batches, const WeightScheme& scheme,
         bool from_norms)
      : graph_(graph), scheme_(scheme) {
    for (auto& path : find_channel_paths(graph))
      if (path.from_norm == from_norms) paths_.push_back(path);
    std::set<ValueId> wanted;
    for (const auto& path : paths_)
      for (const size_t consumer : path.consumers)
        wanted.insert(graph.nodes[consumer].value("input"));
    graph::replay_together(graph, batches, [&](ValueId id, std::vector<Tensor>& x) {
      if (wanted.contains(id)) inputs_[id] = x;
    });
  }

  Scaled run() {
    Scaled result{.sites = static_cast<int64_t>(paths_.size())};
    for (const auto& path : paths_) {
      const auto scales = best_scales(path);
      if (!scales.defined()) continue;
      scale_channels(graph_, path, scales);
      ++result.scaled;
    }
    return result;
  }

 private:
  // The largest activation of each channel at any consumer.
  Tensor largest_activations(const ChannelPath& path) const {
    Tensor largest;
    for (const size_t position : path.consumers) {
      const auto& consumer = graph_.nodes[position];
      for (const auto& x : inputs_.at(consumer.value("input"))) {
        const int64_t dim = is_linear(graph_, consumer) ? x.dim() - 1 : 1;
        const auto here = x.abs().transpose(0, dim).flatten(1).amax(1);
        largest = largest.defined() ? torch::maximum(largest, here) : here;
      }
    }
    return largest;
  }

  // Depthwise convolutions do not count: each of their channels has a scale of its own.
  Tensor largest_weights_of(const ChannelPath& path) const {
    auto largest = torch::zeros({path.channels});
    for (const size_t position : path.consumers)
      if (!is_depthwise(graph_, graph_.nodes[position]))
        largest =
            torch::maximum(largest, largest_weights(graph_, graph_.nodes[position], path.channels));
    return largest;
  }

  Tensor output(const Node& consumer, const Tensor& input, const Tensor& weight) const {
    std::vector<Tensor> values;
    for (const auto& value : graph_.values) values.push_back(value.constant);
    values[static_cast<size_t>(consumer.value("input"))] = input;
    values[static_cast<size_t>(consumer.value("weight"))] = weight;
    return graph::call(consumer, values, input.size(0)).at(0);
  }

  // Of the consumers' outputs with both operands rounded, relative.
  double error(const ChannelPath& path, const Tensor& scales) const {
    double sum = 0;
    for (const size_t position : path.consumers) {
      const auto& consumer = graph_.nodes[position];
      const auto& inputs = inputs_.at(consumer.value("input"));
      std::vector<int64_t> along(static_cast<size_t>(inputs.at(0).dim()), 1);
      along[is_linear(graph_, consumer) ? along.size() - 1 : 1] = -1;
      std::vector<Tensor> scaled;
      for (const auto& x : inputs) scaled.push_back((x / scales.view(along)).contiguous());
      const auto range = sampled_range(scaled);
      const auto weight = scaled_weight(graph_, consumer, scales);
      const auto rounded = round_weight(weight, {weight_scales(weight, scheme_), scheme_.most()});
      double lost = 0, all = 0;
      for (size_t i = 0; i < inputs.size(); ++i) {
        const auto exact = output(consumer, inputs[i], weight_of(graph_, consumer));
        const auto got = output(consumer, fake_quantize(scaled[i], range), rounded);
        lost += (got - exact).square().sum().item<double>();
        all += exact.square().sum().item<double>();
      }
      sum += lost / std::max(all, 1e-12);
    }
    return sum;
  }

  Tensor best_scales(const ChannelPath& path) const {
    const auto activations = largest_activations(path);
    const auto weights = largest_weights_of(path);
    double least = (1 - kLeastGain) * error(path, torch::ones({path.channels}));
    Tensor best;
    for (const double alpha : kAlphas) {
      const auto scales = channel_scales(activations, weights, alpha);
      const double candidate = error(path, scales);
      if (candidate < least) {
        least = candidate;
        best = scales;
      }
    }
    return best;
  }

  Graph& graph_;
  const WeightScheme& scheme_;
  std::vector<ChannelPath> paths_;
  std::map<ValueId, std::vector<Tensor>> inputs_;  // of each batch
};

}  // namespace

Tensor channel_scales(const Tensor& activations, const Tensor& weights, double alpha) {
  constexpr double kLeast = 1e-3, kMost = 1e3;  // beyond, float32 itself would suffer
  const auto largest = activations.max();
  const auto dead = activations <= 1e-5 * largest;
  auto logarithm = alpha * activations.clamp_min(1e-5 * largest.item<double>() + 1e-12).log();
  if (weights.max().item<double>() > 0)
    logarithm =
        logarithm - (1 - alpha) * weights.clamp_min(1e-5 * weights.max().item<double>()).log();
  const auto alive = logarithm.masked_select(dead.logical_not());
  if (alive.numel() == 0) return torch::ones_like(activations);
  return (logarithm - alive.mean()).exp().clamp(kLeast, kMost).masked_fill(dead, 1.0);
}

Scaled smooth(Graph& graph, const std::vector<Inputs>& batches, const WeightScheme& scheme) {
  const torch::NoGradGuard no_grad;
  return Search(graph, batches, scheme, true).run();
}

Scaled equalize(Graph& graph, const std::vector<Inputs>& batches, const WeightScheme& scheme) {
  const torch::NoGradGuard no_grad;
  return Search(graph, batches, scheme, false).run();
}

}  // namespace braid::compress
