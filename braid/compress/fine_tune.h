// Quantization-aware training: weights learn to be rounded.
//
// "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference",
// Jacob et al. 2018, https://arxiv.org/abs/1712.05877; gradients pass through the rounding as if it
// were not there. The teacher is the float graph, so that no labels are needed.
#pragma once
#include "braid/compress/insert_qdq.h"
#include "braid/core/progress.h"

namespace braid::compress {

struct FineTuneOptions {
  int64_t steps = 100;
  int64_t batch = 32;  // items of a step, at most
  double lr = 1e-4;    // Adam's, coming down to nothing
};

// Trains the weights and biases of layers that are computed in 8 bits, through graph's quantized
// twin, to give the classes of `reference` on these batches; grids and ranges stay as they are. The
// graph's layers get constants of their own, and `grids` theirs.
void fine_tune(Graph& graph, const Placement& placement, const Ranges& ranges, WeightGrids& grids,
               const Graph& reference, const std::vector<Inputs>& batches,
               const FineTuneOptions& options, Progress& progress);

}  // namespace braid::compress
