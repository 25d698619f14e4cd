// Biases that make up for what rounding does to the mean.
//
// "Data-Free Quantization Through Weight Equalization and Bias Correction", Nagel et al. 2019,
// https://arxiv.org/abs/1906.04721, section 4.2, with means that are measured instead of derived;
// layer after layer, each seeing what those before it were corrected to.
#pragma once
#include "braid/compress/insert_qdq.h"

namespace braid::compress {

// Every layer in 8 bits gives the mean per output channel that it gives in float, over these
// batches. graph: in float; gets the biases. Returns how many layers were corrected.
int64_t correct_biases(Graph& graph, const Placement& placement, const Ranges& ranges,
                       const WeightGrids& weights, const std::vector<Inputs>& batches);

}  // namespace braid::compress
