// A classifier of images as LibTorch computes it fastest on the CPU.
#pragma once
#include <optional>
#include <string>

#include "braid/graph/replay.h"
#include "braid/models/vision/image_checkpoint.h"

namespace braid::serve {

struct FusedGraph {
  std::optional<graph::Replayer> run{};
  std::string problem{};  // why there is none
};

// The captured network, batch norms within the convolutions, these and linear layers with the
// activations after them, weights in the type of products; it is to be run under autocast to
// `dtype`, float32 or bfloat16, and has been, beside the model.
FusedGraph fused_graph(models::LoadedModel& loaded, const std::string& dtype);

}  // namespace braid::serve
