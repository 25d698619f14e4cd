#include "braid/export/text_graph.h"

#include <algorithm>

#include "braid/core/json.h"
#include "braid/export/file_proof.h"
#include "braid/export/text_metadata.h"
#include "braid/graph/capture.h"
#include "braid/graph/passes/passes.h"
#include "braid/graph/verify.h"

namespace braid::onnx {
namespace {

namespace fs = std::filesystem;

Metadata metadata_of(const models::LoadedTextEncoder& loaded, const fs::path& tokenizer) {
  auto metadata = text_metadata(*loaded.model, loaded.hub.architecture, tokenizer);
  metadata["head"] = models::to_string(loaded.model->head());
  if (loaded.hub.text_pairs) metadata["text_pairs"] = "true";
  if (!loaded.hub.problem_type.empty()) metadata["problem_type"] = loaded.hub.problem_type;
  if (!loaded.hub.classes.empty())
    metadata["label_names"] =
        Json(loaded.hub.classes).dump(-1, ' ', false, Json::error_handler_t::replace);
  return metadata;
}

}  // namespace

TextGraph make_text_graph(models::LoadedTextEncoder& loaded) {
  auto& model = *loaded.model;
  TextGraph made{.graph = graph::capture(model), .deviation = {}};
  graph::simplify(made.graph);
  // Other sizes than those of the capture.
  const int64_t most = model.max_positions();
  const graph::Sizes sizes(4, most == 0 ? 17 : std::min<int64_t>(17, most));
  made.deviation = graph::deviation_on_noise(made.graph, model, sizes);
  expect_close(made.deviation, loaded.hub.architecture);
  return made;
}

OnnxOptions onnx_options(const models::LoadedTextEncoder& loaded, const fs::path& tokenizer) {
  return {.name = loaded.hub.architecture,
          .preprocessing = {},
          .metadata = metadata_of(loaded, tokenizer)};
}

}  // namespace braid::onnx
