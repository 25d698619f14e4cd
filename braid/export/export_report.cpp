#include "braid/export/export_report.h"

#include <fmt/format.h>

#include "braid/core/error.h"
#include "braid/export/onnx/export_onnx.h"

namespace braid::onnx {
namespace {

// Folding and another order of summation are far below; a wrong graph is far above.
constexpr double kMostRelativeError = 1e-3;

}  // namespace

void ExportOptions::visit(FieldVisitor& v) {
  v.field("with_preprocessing", with_preprocessing,
          "take images [N,H,W,C] of uint8 in any size and give probabilities");
}

void ExportReport::visit(FieldVisitor& v) {
  v.field("architecture", architecture, "name of the registry");
  v.field("file", file, "what was written");
  v.field("input", input,
          "names and shapes, N the batch, L the tokens of a text, M those of the text that a "
          "decoder reads");
  v.field("output", output, "name and shape");
  v.field("opset", opset, "ONNX operator set");
  v.field("operators", operators, "of the graph that was translated");
  v.field("bytes", bytes, "of the file");
  v.field("max_error", max_error, "of the graph's outputs against the model's, on noise");
  v.field("relative_error", relative_error, "to the largest output");
}

ExportReport make_report(const std::string& architecture, const std::filesystem::path& file,
                         const graph::Graph& graph, const graph::Deviation& deviation,
                         size_t bytes) {
  return {.architecture = architecture,
          .file = file.string(),
          .input = graph::to_text(graph, graph.inputs),
          .output = graph::to_text(graph, graph.outputs),
          .opset = kOpset,
          .operators = static_cast<int64_t>(graph.nodes.size()),
          .bytes = static_cast<int64_t>(bytes),
          .max_error = deviation.absolute,
          .relative_error = deviation.relative};
}

void expect_close(const graph::Deviation& deviation, const std::string& architecture) {
  if (deviation.relative > kMostRelativeError)
    throw InternalError("onnx",
                        fmt::format("expected a graph within {:g} of the model, got {:g}",
                                    kMostRelativeError, deviation.relative),
                        architecture);
}

}  // namespace braid::onnx
