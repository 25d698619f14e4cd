// A graph for inference by LibTorch on the CPU.
#pragma once
#include "braid/graph/graph.h"

namespace braid::graph {

// Convolutions and linear layers of constant weights become oneDNN's, as torch.compile has them:
// with the activation that follows, convolutions with the sum before that too, their weights in
// `type`, float32 or bfloat16, and in oneDNN's own order; in float32, 3x3 convolutions of large
// maps those of ops/winograd_packed.h, with a sum and ReLU. To be replayed without gradients, under
// autocast to `type`. The graph is simplified; it computes what it did up to rounding. Nothing is
// changed where oneDNN does not compute in that type here.
void fuse_for_cpu(Graph& graph, torch::ScalarType type);

}  // namespace braid::graph
