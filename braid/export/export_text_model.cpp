#include "braid/export/export_text_model.h"

#include "braid/export/text_graph.h"
#include "braid/io/atomic_file.h"

namespace braid::onnx {

ExportReport export_text_model(models::LoadedTextEncoder& loaded,
                               const std::filesystem::path& tokenizer,
                               const std::filesystem::path& output) {
  const auto [graph, deviation] = make_text_graph(loaded);
  const auto bytes = export_onnx(graph, onnx_options(loaded, tokenizer));
  io::write_file_atomic(output, bytes);
  return make_report(loaded.hub.architecture, output, graph, deviation, bytes.size());
}

}  // namespace braid::onnx
