#include "braid/serve/torch/fused_graph.h"

#include <fmt/format.h>

#include <exception>
#include <utility>

#include "braid/core/error.h"
#include "braid/export/image_graph.h"
#include "braid/graph/passes/fuse_for_cpu.h"
#include "braid/runtime/autocast.h"
#include "braid/runtime/eval_scope.h"

namespace braid::serve {
namespace {

void expect_alike(const graph::Replayer& run, models::LoadedModel& loaded,
                  const std::string& dtype) {
  const double most = dtype == "float32" ? 1e-3 : 0.25;  // of the largest output
  const auto& input = loaded.hub.input;
  const auto images = torch::randn({2, input.channels, input.height, input.width});
  const auto of_model = [&] {
    const runtime::EvalScope scope(*loaded.model);
    return loaded.model->forward(images);
  }();
  const runtime::EvalScope scope(*loaded.model, dtype);
  const auto difference = (run({images}).at(0).to(torch::kFloat) - of_model).abs().max();
  const double relative = (difference / of_model.abs().max().clamp_min(1e-12)).item<double>();
  if (!(relative <= most))
    throw InternalError("serve", fmt::format("expected a fused graph within {:g} of the model, got "
                                             "{:g}",
                                             most, relative));
}

}  // namespace

FusedGraph fused_graph(models::LoadedModel& loaded, const std::string& dtype) {
  try {
    auto made = onnx::make_image_graph(loaded).graph;
    graph::fuse_for_cpu(made, runtime::product_type(dtype));
    FusedGraph fused;
    fused.run.emplace(std::move(made));
    expect_alike(*fused.run, loaded, dtype);
    return fused;
  } catch (const std::exception& error) {  // LibTorch's own errors too
    return {.problem = error.what()};
  }
}

}  // namespace braid::serve
