#include "braid/compress/channel_paths.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "braid/graph/passes/rewrite.h"

namespace braid::compress {
namespace {

using torch::Tensor;

constexpr int64_t kProbeBatch = 5, kProbeLength = 7,
                  kProbeMemory = 11;  // at which shapes are compared

// f(a x) = a f(x) for positive a, one number at a time or within a channel's plane.
constexpr std::array<std::string_view, 6> kHomogeneous = {
    "aten::relu",       "aten::leaky_relu",          "aten::max_pool2d",
    "aten::avg_pool2d", "aten::adaptive_avg_pool2d", "aten::upsample_nearest2d"};

bool is_homogeneous(const Node& node) {
  return std::find(kHomogeneous.begin(), kHomogeneous.end(), node.name()) != kHomogeneous.end();
}

// Where a dimension is after a reshape that leaves it whole.
std::optional<int64_t> dim_after_reshape(const graph::Shape& from, const graph::Shape& to,
                                         int64_t dim) {
  const graph::Sizes sizes(kProbeBatch, kProbeLength, kProbeMemory);
  const auto a = graph::shape_at(from, sizes), b = graph::shape_at(to, sizes);
  int64_t before = 1;
  for (int64_t i = 0; i < dim; ++i) before *= a[static_cast<size_t>(i)];
  int64_t product = 1;
  for (size_t i = 0; i < b.size(); ++i) {
    if (product == before && b[i] == a[static_cast<size_t>(dim)]) return static_cast<int64_t>(i);
    product *= b[i];
  }
  return std::nullopt;
}

// Where the channels are in a node's output; nothing where the node minds a factor per channel.
std::optional<int64_t> dim_after(const Graph& graph, const Node& node, int64_t dim) {
  const auto& from = graph.at(node.arguments.at(0).values.at(0)).shape;
  const auto& to = graph.at(node.outputs.at(0)).shape;
  const auto rank = static_cast<int64_t>(from.size());
  if (node.name() == "aten::relu" || node.name() == "aten::leaky_relu") return dim;
  if (is_homogeneous(node)) return rank == 4 && dim == 1 ? std::optional(dim) : std::nullopt;
  if (node.name() == "aten::reshape") return dim_after_reshape(from, to, dim);
  if (node.name() == "aten::permute") {
    const auto dims = node.integers("dims");
    for (size_t i = 0; i < dims.size(); ++i)
      if ((dims[i] + rank) % rank == dim) return static_cast<int64_t>(i);
    return std::nullopt;
  }
  if (node.name() == "aten::roll") {
    for (const int64_t d : node.integers("dims"))
      if ((d + rank) % rank == dim) return std::nullopt;
    return dim;
  }
  if (node.name() == "aten::mean" && node.has("dim") && !node.is_none("dim")) {
    int64_t lower = 0;
    for (const int64_t d : node.integers("dim")) {
      const int64_t reduced = (d + rank) % rank;
      if (reduced == dim) return std::nullopt;
      lower += reduced < dim ? 1 : 0;
    }
    return node.flag("keepdim") ? dim : dim - lower;
  }
  return std::nullopt;
}

class Finder {
 public:
  explicit Finder(const Graph& graph) : graph_(graph), readers_(graph.values.size()) {
    for (size_t i = 0; i < graph.nodes.size(); ++i)
      for (const auto& argument : graph.nodes[i].arguments)
        for (const ValueId id : argument.values)
          if (id != graph::kNoValue) readers_[static_cast<size_t>(id)].push_back(i);
  }

  std::optional<ChannelPath> from(size_t producer) {
    const auto& node = graph_.nodes[producer];
    const auto dim = produced_dim(node);
    if (!dim) return std::nullopt;
    const auto& extent = graph_.at(node.outputs[0]).shape.at(static_cast<size_t>(*dim));
    if (!extent.is_constant() || extent.offset < 2) return std::nullopt;
    path_ = {.producer = producer, .channels = extent.offset, .from_norm = !is_layer(graph_, node)};
    if (!follow(node.outputs[0], *dim) || path_.consumers.empty()) return std::nullopt;
    return path_;
  }

 private:
  // Where a node's output has channels whose size it alone decides.
  std::optional<int64_t> produced_dim(const Node& node) const {
    if (is_layer(graph_, node)) return channel_dim(graph_, node);
    const auto has_gain = [&] {
      return node.value("weight") != graph::kNoValue && graph_.is_constant(node.value("weight")) &&
             (node.value("bias") == graph::kNoValue || graph_.is_constant(node.value("bias")));
    };
    if (node.name() == "aten::layer_norm" && has_gain() &&
        node.integers("normalized_shape").size() == 1)
      return static_cast<int64_t>(graph_.at(node.outputs.at(0)).shape.size()) - 1;
    if ((node.name() == "aten::batch_norm" || node.name() == "aten::group_norm") && has_gain())
      return 1;
    return std::nullopt;
  }

  bool follow(ValueId id, int64_t dim) {
    if (graph::is_output(graph_, id)) return false;
    for (const size_t position : readers_[static_cast<size_t>(id)]) {
      const auto& node = graph_.nodes[position];
      if (node.arguments.at(0).values != std::vector<ValueId>{id}) return false;
      const auto rank = static_cast<int64_t>(graph_.at(id).shape.size());
      if (is_layer(graph_, node)) {
        const int64_t wanted = is_linear(graph_, node) ? rank - 1 : 1;
        if (dim != wanted) return false;
        path_.consumers.push_back(position);
        continue;
      }
      const auto after = dim_after(graph_, node, dim);
      if (!after || !follow(node.outputs[0], *after)) return false;
    }
    return true;
  }

  const Graph& graph_;
  std::vector<std::vector<size_t>> readers_;
  ChannelPath path_;
};

// [groups, O/groups, C/groups, kernel..] of a layer's weight.
Tensor grouped(const Tensor& weight, int64_t groups) {
  return weight.reshape({groups, weight.size(0) / groups, weight.size(1), -1});
}

int64_t groups_of(const Graph& graph, const Node& layer) {
  return is_linear(graph, layer) ? 1 : layer.integer("groups");
}

void divide(Graph& graph, Node& producer, const char* argument, const Tensor& scales) {
  const ValueId id = producer.value(argument);
  if (id == graph::kNoValue) return;
  const auto& tensor = graph.at(id).constant.detach();
  std::vector<int64_t> shape(static_cast<size_t>(tensor.dim()), 1);
  shape[0] = -1;
  replace_constant(graph, producer, argument, tensor / scales.view(shape));
}

}  // namespace

std::vector<ChannelPath> find_channel_paths(const Graph& graph) {
  std::vector<ChannelPath> paths;
  Finder finder(graph);
  for (size_t i = 0; i < graph.nodes.size(); ++i)
    if (auto path = finder.from(i)) paths.push_back(*path);
  return paths;
}

Tensor scaled_weight(const Graph& graph, const Node& consumer, const Tensor& scales) {
  const auto weight = weight_of(graph, consumer);
  const int64_t groups = groups_of(graph, consumer);
  return (grouped(weight, groups) * scales.view({groups, 1, -1, 1})).view_as(weight);
}

Tensor largest_weights(const Graph& graph, const Node& consumer, int64_t channels) {
  const auto weight = grouped(weight_of(graph, consumer), groups_of(graph, consumer));
  return weight.abs().amax({1, 3}).reshape({channels});
}

void scale_channels(Graph& graph, const ChannelPath& path, const Tensor& scales) {
  const torch::NoGradGuard no_grad;
  for (const size_t position : path.consumers) {
    auto& consumer = graph.nodes[position];
    replace_constant(graph, consumer, "weight", scaled_weight(graph, consumer, scales));
  }
  auto& producer = graph.nodes[path.producer];
  divide(graph, producer, "weight", scales);
  divide(graph, producer, "bias", scales);
}

}  // namespace braid::compress
