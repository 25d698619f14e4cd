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

Range sampled_range(const Tensor& x) {
  const auto flat = x.flatten();
  const int64_t step = std::max<int64_t>(flat.numel() / kRangeSample, 1);
  const auto [low, high] = flat.aminmax();
  return mse_range(flat.slice(0, 0, flat.numel(), step), {low.item<double>(), high.item<double>()});
}

class Search {
 public:
  Search(Graph& graph, const Tensor& images, const WeightScheme& scheme, bool from_norms)
      : graph_(graph), scheme_(scheme) {
    for (auto& path : find_channel_paths(graph))
      if (path.from_norm == from_norms) paths_.push_back(path);
    std::set<ValueId> wanted;
    for (const auto& path : paths_)
      for (const size_t consumer : path.consumers)
        wanted.insert(graph.nodes[consumer].value("input"));
    batch_ = images.size(0);
    graph::replay(graph, {images}, [&](ValueId id, Tensor& x) {
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
      const auto& x = inputs_.at(consumer.value("input"));
      const int64_t dim = is_linear(graph_, consumer) ? x.dim() - 1 : 1;
      const auto here = x.abs().transpose(0, dim).flatten(1).amax(1);
      largest = largest.defined() ? torch::maximum(largest, here) : here;
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
    return graph::call(consumer, values, batch_).at(0);
  }

  // Of the consumers' outputs with both operands rounded, relative.
  double error(const ChannelPath& path, const Tensor& scales) const {
    double sum = 0;
    for (const size_t position : path.consumers) {
      const auto& consumer = graph_.nodes[position];
      const auto& x = inputs_.at(consumer.value("input"));
      std::vector<int64_t> along(static_cast<size_t>(x.dim()), 1);
      along[is_linear(graph_, consumer) ? along.size() - 1 : 1] = -1;
      const auto scaled = (x / scales.view(along)).contiguous();
      const auto weight = scaled_weight(graph_, consumer, scales);
      const auto rounded = round_weight(weight, {weight_scales(weight, scheme_), scheme_.most()});
      const auto exact = output(consumer, x, weight_of(graph_, consumer));
      const auto got = output(consumer, fake_quantize(scaled, sampled_range(scaled)), rounded);
      sum += (got - exact).square().sum().item<double>() /
             std::max(exact.square().sum().item<double>(), 1e-12);
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
  std::map<ValueId, Tensor> inputs_;
  int64_t batch_ = 0;
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

Scaled smooth(Graph& graph, const Tensor& images, const WeightScheme& scheme) {
  const torch::NoGradGuard no_grad;
  return Search(graph, images, scheme, true).run();
}

Scaled equalize(Graph& graph, const Tensor& images, const WeightScheme& scheme) {
  const torch::NoGradGuard no_grad;
  return Search(graph, images, scheme, false).run();
}

}  // namespace braid::compress
