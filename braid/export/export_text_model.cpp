#include "braid/export/export_text_model.h"

#include <algorithm>
#include <map>
#include <string>
#include <system_error>
#include <vector>

#include "braid/core/json.h"
#include "braid/core/version.h"
#include "braid/evaluate/base64.h"
#include "braid/export/onnx/export_onnx.h"
#include "braid/graph/capture.h"
#include "braid/graph/passes/passes.h"
#include "braid/graph/verify.h"
#include "braid/io/atomic_file.h"

namespace braid::onnx {
namespace {

namespace fs = std::filesystem;

using Metadata = std::map<std::string, std::string>;

// Each file that a tokenizer may consist of under its own name; SentencePiece's in base64.
void add_tokenizer(Metadata& metadata, const fs::path& folder) {
  if (folder.empty()) return;
  for (const char* name : {"tokenizer.json", "tokenizer_config.json", "vocab.txt", "vocab.json",
                           "merges.txt", "spiece.model", "sentencepiece.bpe.model", "source.spm"}) {
    const auto file = folder / name;
    if (std::error_code none; !fs::is_regular_file(file, none)) continue;
    const auto bytes = io::read_file(file);
    const bool binary = file.extension() == ".model" || file.extension() == ".spm";
    if (binary)
      metadata[std::string(name) + ";base64"] = evaluate::to_base64(bytes);
    else
      metadata[name] = std::string(bytes.begin(), bytes.end());
  }
}

Metadata metadata_of(const models::LoadedTextEncoder& loaded, const fs::path& tokenizer) {
  Metadata metadata = {{"braid_version", version()}, {"architecture", loaded.hub.architecture}};
  const auto dump = [](const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
  };
  metadata["head"] = models::to_string(loaded.model->head());
  if (!loaded.hub.classes.empty()) metadata["label_names"] = dump(loaded.hub.classes);
  metadata["pad_token_id"] = std::to_string(loaded.model->pad_token_id());
  if (const int64_t most = loaded.model->max_positions(); most > 0)
    metadata["max_length"] = std::to_string(most);
  add_tokenizer(metadata, tokenizer);
  return metadata;
}

}  // namespace

ExportReport export_text_model(models::LoadedTextEncoder& loaded, const fs::path& tokenizer,
                               const fs::path& output) {
  auto& model = *loaded.model;
  auto graph = graph::capture(model);
  graph::simplify(graph);
  // Other sizes than those of the capture.
  const int64_t most = model.max_positions();
  const graph::Sizes sizes(4, most == 0 ? 17 : std::min<int64_t>(17, most));
  const auto deviation = graph::deviation_on_noise(graph, model, sizes);
  expect_close(deviation, loaded.hub.architecture);
  const auto bytes = export_onnx(graph, {.name = loaded.hub.architecture,
                                         .preprocessing = {},
                                         .metadata = metadata_of(loaded, tokenizer)});
  io::write_file_atomic(output, bytes);
  return {.architecture = loaded.hub.architecture,
          .file = output.string(),
          .input = described(graph, graph.inputs),
          .output = described(graph, graph.outputs),
          .opset = kOpset,
          .operators = static_cast<int64_t>(graph.nodes.size()),
          .bytes = static_cast<int64_t>(bytes.size()),
          .max_error = deviation.absolute,
          .relative_error = deviation.relative};
}

}  // namespace braid::onnx
