// A classifier of images as LibTorch computes it fastest on the CPU.
#pragma once
#include <optional>

#include "braid/graph/replay.h"
#include "braid/models/vision/image_checkpoint.h"

namespace braid::serve {

// The captured network, batch norms within the convolutions, these and linear layers with the
// activations after them, weights in `type`, float32 or bfloat16, which it is to be run under
// autocast to. Nothing where the model cannot be captured.
std::optional<graph::Replayer> fused_graph(models::LoadedModel& loaded, torch::ScalarType type);

}  // namespace braid::serve
