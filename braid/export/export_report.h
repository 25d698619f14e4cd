// What an export is asked for, and what it says of itself.
#pragma once
#include <cstdint>
#include <string>

#include "braid/core/config.h"
#include "braid/graph/graph.h"
#include "braid/graph/verify.h"

namespace braid::onnx {

struct ExportOptions {
  bool with_preprocessing = false;  // images of uint8 in, probabilities out
  void visit(FieldVisitor& v);
};

struct ExportReport {
  // input and output: "pixel_values Nx3x224x224", "input_ids NxL, attention_mask NxL"
  std::string architecture, file, input, output;
  int64_t opset = 0;
  int64_t operators = 0;      // of the graph that was translated
  int64_t bytes = 0;          // of the file
  double max_error = 0;       // of the graph's outputs against the model's, on noise
  double relative_error = 0;  // to the largest output
  void visit(FieldVisitor& v);
};

// Names and shapes of these values of the graph.
std::string described(const graph::Graph& graph, const std::vector<graph::ValueId>& values);
// Throws InternalError where a graph is farther from its model than rounding explains.
void expect_close(const graph::Deviation& deviation, const std::string& architecture);

}  // namespace braid::onnx
