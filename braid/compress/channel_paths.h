// Where a channel of activations may be scaled without changing what a graph computes.
#pragma once
#include <vector>

#include "braid/compress/layer.h"

namespace braid::compress {

// What gives the channels, and the layers that read them, with nothing between that minds a
// positive factor per channel: relu, pooling, rearrangements, also from tokens to a feature map and
// back.
struct ChannelPath {
  size_t producer = 0;              // a position in the graph's nodes
  std::vector<size_t> consumers{};  // layers
  int64_t channels = 0;
  bool from_norm = false;  // the producer is a norm with a gain, else a layer
};

std::vector<ChannelPath> find_channel_paths(const Graph& graph);

// Channel i becomes x / scales[i], and the consumers' weights make up for it. scales: [C],
// positive.
void scale_channels(Graph& graph, const ChannelPath& path, const torch::Tensor& scales);

// A consumer's weight for such an input.
torch::Tensor scaled_weight(const Graph& graph, const Node& consumer, const torch::Tensor& scales);
// [C]: the largest weight by which a consumer multiplies each input channel.
torch::Tensor largest_weights(const Graph& graph, const Node& consumer, int64_t channels);

}  // namespace braid::compress
