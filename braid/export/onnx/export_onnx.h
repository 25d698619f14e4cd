// A captured network as an ONNX file.
#pragma once
#include <map>
#include <optional>
#include <string>

#include "braid/data/image/input_config.h"
#include "braid/graph/graph.h"

namespace braid::onnx {

// The operator set of the translation: the first that has Gelu, read by every engine in use.
inline constexpr int64_t kOpset = 20;
// Of files with weights of 4 bits: the first whose DequantizeLinear reads int4.
inline constexpr int64_t kOpsetOfInt4 = 21;

struct OnnxOptions {
  std::string name = "braid";  // of the graph
  // The image's way to the model goes into the graph: `image` [N,H,W,C] uint8 of any size in,
  // `probabilities` [N,K] out, instead of the graph's own input and output.
  std::optional<data::InputConfig> preprocessing{};
  std::map<std::string, std::string> metadata{};
  std::string length_name = "sequence";  // of the dimensions of L tokens
};

// Which of the two the file of this graph has.
int64_t opset_of(const graph::Graph& graph);

// The bytes of the file; its batch is free. graph: after graph::simplify(). Throws DataError naming
// an operator that has no translation, or where the weights exceed what one file holds.
std::string export_onnx(const graph::Graph& graph, const OnnxOptions& options);

}  // namespace braid::onnx
