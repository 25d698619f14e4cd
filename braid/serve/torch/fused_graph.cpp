#include "braid/serve/torch/fused_graph.h"

#include <utility>

#include "braid/core/error.h"
#include "braid/export/image_graph.h"
#include "braid/graph/passes/fuse_for_cpu.h"

namespace braid::serve {

std::optional<graph::Replayer> fused_graph(models::LoadedModel& loaded, torch::ScalarType type) {
  try {
    auto made = onnx::make_image_graph(loaded).graph;
    graph::fuse_for_cpu(made, type);
    return graph::Replayer(std::move(made));
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace braid::serve
