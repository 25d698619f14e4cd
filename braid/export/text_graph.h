// A text encoder as a graph that is ready for translation.
#pragma once
#include <filesystem>

#include "braid/export/onnx/export_onnx.h"
#include "braid/graph/graph.h"
#include "braid/graph/verify.h"
#include "braid/models/text/text_checkpoint.h"

namespace braid::onnx {

struct TextGraph {
  graph::Graph graph;          // simplified
  graph::Deviation deviation;  // from the model, on tokens of noise
};
// Throws DataError where the model cannot be captured, InternalError where the graph computes
// something else.
TextGraph make_text_graph(models::LoadedTextEncoder& loaded);

// The file's names and metadata. tokenizer: the folder whose tokenizer's files go into it; may be
// empty.
OnnxOptions onnx_options(const models::LoadedTextEncoder& loaded,
                         const std::filesystem::path& tokenizer);

}  // namespace braid::onnx
