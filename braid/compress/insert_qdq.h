// A graph that computes as engines do in 8 bits.
#pragma once
#include <map>

#include "braid/compress/calibrate.h"

namespace braid::compress {

// By the constants that are quantized.
using WeightGrids = std::map<ValueId, WeightGrid>;
// At less than 7 bits, depthwise convolutions and the first and the last layer have 8: they are
// small, and suffer most. Tables always have 8: nothing sums them up.
WeightGrids grids_of_weights(const Graph& graph, const Placement& placement,
                             const WeightScheme& scheme);

// The same graph with every quantization and dequantization as an operator of its own: one
// aten::fake_quantize_* each, which the ONNX translation knows. Values keep their ids. Linear
// layers of more than two dimensions become a product and a sum, as ONNX has them, with the weight
// inputs first. Of a table the rows are taken as integers and become floats then: engines would
// else dequantize all of it for every text.
Graph insert_qdq(const Graph& graph, const Placement& placement, const Ranges& ranges,
                 const WeightGrids& weights);

}  // namespace braid::compress
