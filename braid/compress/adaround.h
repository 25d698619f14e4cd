// Weights rounded up or down by what their layer gives, rather than to the nearest integer.
//
// "Up or Down? Adaptive Rounding for Post-Training Quantization", Nagel et al. 2020,
// https://arxiv.org/abs/2004.10568: layer by layer, on the inputs of the float graph.
#pragma once
#include "braid/compress/insert_qdq.h"
#include "braid/core/progress.h"

namespace braid::compress {

struct AdaRoundOptions {
  int64_t iterations = 250;  // per layer
  int64_t batch = 8;         // items of an iteration
  double lr = 2e-2;
  double regularization = 0.01;
};

// Layers whose weights have less than 7 bits get weights on their grids. The inputs and outputs of
// all layers are kept in memory. Returns how many layers were rounded.
int64_t round_adaptively(Graph& graph, const Placement& placement, WeightGrids& grids,
                         const std::vector<Inputs>& batches, const AdaRoundOptions& options,
                         Progress& progress);

// A layer's weight on its grid such that its outputs for these inputs are close to those given,
// both of each batch.
torch::Tensor rounded_adaptively(const Graph& graph, const Node& layer, const WeightGrid& grid,
                                 const std::vector<torch::Tensor>& inputs,
                                 const std::vector<torch::Tensor>& outputs,
                                 const AdaRoundOptions& options);

}  // namespace braid::compress
