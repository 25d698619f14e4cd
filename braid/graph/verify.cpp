#include "braid/graph/verify.h"

#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>

#include "braid/core/error.h"
#include "braid/graph/replay.h"
#include "braid/runtime/eval_scope.h"
#include "braid/runtime/tensor_file.h"

namespace braid::graph {

Deviation deviation(const Graph& graph, models::ImageModel& model, const torch::Tensor& images) {
  const runtime::EvalScope scope(model);
  const auto expected = model.forward(images);
  if (!runtime::is_finite(expected))
    throw DataError("graph", "expected a model with finite outputs, got NaN or infinity", "",
                    "its training diverged; take an earlier one of its checkpoints");
  const auto got = replay(graph, {images}).at(0);
  Deviation deviation;
  deviation.absolute = (got - expected).abs().max().item<double>();
  deviation.relative = deviation.absolute / std::max(expected.abs().max().item<double>(), 1e-12);
  return deviation;
}

Deviation deviation_on_noise(const Graph& graph, models::ImageModel& model, int64_t batch) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(1);
  const auto shape = shape_at(graph.at(graph.inputs.at(0)).shape, batch);
  return deviation(graph, model, torch::randn(shape, generator).to(runtime::device_of(model)));
}

}  // namespace braid::graph
