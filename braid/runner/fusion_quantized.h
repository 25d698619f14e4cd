// From quantized weights and activations to products of whole numbers.
#pragma once
#include <map>
#include <optional>
#include <string>

#include "braid/runner/graph.h"
#include "braid/runner/ops/fused.h"

namespace braid::runner {

// The operator that computes the same in whole numbers where the node is a Conv of one group, a
// MatMul or a Gemm of a dequantized value and dequantized int8 weights; one that reads the bytes
// where it is a Conv by channel of a dequantized value; else the node as it is. maker: of each
// value, the operator that makes it.
FileNode quantized(const FileNode& node, const Graph& graph,
                   const std::map<std::string, size_t>& maker);

// Whether the node is a convolution of which each channel has filters of its own.
bool is_by_channel(const FileNode& node, const Graph& graph,
                   const std::map<std::string, size_t>& maker);

// The scale and zero point of a QuantizeLinear or DequantizeLinear, where they are constants of
// one number; none: they are not, or the node is something else.
std::optional<FusedBytes> bytes_of(const FileNode& node, const Graph& graph);
// Says so to an operator, see ops/fused.h.
void set_bytes(FileNode& node, const QuantizedNames& names, const FusedBytes& bytes);

}  // namespace braid::runner
