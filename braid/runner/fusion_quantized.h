// From quantized weights and activations to products of whole numbers.
#pragma once
#include <map>
#include <string>

#include "braid/runner/graph.h"

namespace braid::runner {

// The operator that computes the same in whole numbers where the node is a Conv of one group, a
// MatMul or a Gemm of a dequantized value and dequantized int8 weights; else the node as it is.
// maker: of each value, the operator that makes it.
FileNode quantized(const FileNode& node, const Graph& graph,
                   const std::map<std::string, size_t>& maker);

}  // namespace braid::runner
