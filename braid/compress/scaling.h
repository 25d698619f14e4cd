// Factors per channel that make activations easier to quantize and weights a little harder, or the
// other way round, without changing what the float graph computes.
//
// Smoothing: Xiao et al., "SmoothQuant" (2022), https://arxiv.org/abs/2211.10438, from norms into
// the layers that read them. Equalization: the same between layers, where depthwise convolutions
// take any factor for nothing; kin of section 4.1 of https://arxiv.org/abs/1906.04721 and of the
// scaling at the bridges of hybrid networks in "HyQ" (Kim et al. 2024).
#pragma once
#include <vector>

#include "braid/compress/channel_paths.h"
#include "braid/compress/ranges.h"
#include "braid/compress/samples.h"

namespace braid::compress {

// Factors by the largest activation r and the largest weight w of each channel:
// r^alpha / w^(1 - alpha), of mean 1 in the logarithm. Channels without activations get 1.
torch::Tensor channel_scales(const torch::Tensor& activations, const torch::Tensor& weights,
                             double alpha);

struct Scaled {
  int64_t sites = 0;   // that could be scaled
  int64_t scaled = 0;  // that were: alpha is searched per site, not scaling included
};

// From norms into layers; from layers into layers. batches: few, their activations are kept in
// memory. scheme: how the weights will be rounded.
Scaled smooth(Graph& graph, const std::vector<Inputs>& batches, const WeightScheme& scheme);
Scaled equalize(Graph& graph, const std::vector<Inputs>& batches, const WeightScheme& scheme);

}  // namespace braid::compress
