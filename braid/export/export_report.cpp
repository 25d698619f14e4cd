#include "braid/export/export_report.h"

#include "braid/export/file_proof.h"
#include "braid/export/onnx/export_onnx.h"

namespace braid::onnx {

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
  v.field("file_max_error", file_max_error,
          "of the file's outputs, run by braid-run, against the model's; null where it could not");
  v.field("file_relative_error", file_relative_error, "to the largest output");
  v.field("samples", samples, "what the file was run on");
  v.field("remarks", remarks, "what a user should know");
}

ExportReport make_report(const std::string& architecture, const std::filesystem::path& file,
                         const graph::Graph& graph, const graph::Deviation& deviation,
                         const FileProof& proof, size_t bytes) {
  ExportReport report{.architecture = architecture,
                      .file = file.string(),
                      .input = graph::to_text(graph, graph.inputs),
                      .output = graph::to_text(graph, graph.outputs),
                      .opset = opset_of(graph),
                      .operators = static_cast<int64_t>(graph.nodes.size()),
                      .bytes = static_cast<int64_t>(bytes),
                      .max_error = deviation.absolute,
                      .relative_error = deviation.relative};
  if (proof.deviation) {
    report.file_max_error = proof.deviation->absolute;
    report.file_relative_error = proof.deviation->relative;
  }
  if (!proof.remark.empty()) report.remarks.push_back(proof.remark);
  return report;
}

}  // namespace braid::onnx
