// What an export is asked for, and what it says of itself.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "braid/core/config.h"
#include "braid/graph/graph.h"
#include "braid/graph/verify.h"
#include "braid/io/image.h"

namespace braid::onnx {

struct ExportOptions {
  bool with_preprocessing = false;  // images of uint8 in, probabilities out
  std::vector<io::Image> images{};  // that the file is proven on; none: noise
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
  // Of the file's outputs, run by braid-run, against the model's; nothing where it lacks an
  // operator, which `remarks` names.
  std::optional<double> file_max_error = {}, file_relative_error = {};
  std::string samples = "noise";  // that the file was run on
  std::vector<std::string> remarks{};
  void visit(FieldVisitor& v);
};

struct FileProof;
// Of a file of so many bytes with the graph's own inputs and outputs.
ExportReport make_report(const std::string& architecture, const std::filesystem::path& file,
                         const graph::Graph& graph, const graph::Deviation& deviation,
                         const FileProof& proof, size_t bytes);

}  // namespace braid::onnx
