#include "braid/graph/capture.h"

#include <ATen/CPUGeneratorImpl.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "braid/core/error.h"
#include "braid/graph/replay.h"
#include "braid/graph/unify.h"
#include "braid/runtime/eval_scope.h"

namespace braid::graph {
namespace {

using Tensors = CaptureRequest::Tensors;

// Where operators take shortcuts.
constexpr int64_t kProofBatch = 1;

RecordedRun record(const CaptureRequest& request, int64_t batch) {
  const auto inputs = request.example(batch);
  RecordedRun run;
  Tensors outputs;
  run.recorder = std::make_unique<Recorder>();
  for (const auto& input : inputs) run.inputs.push_back(run.recorder->add(input));
  outputs = request.run(inputs);
  run.recorder->stop();
  for (const auto& output : outputs) {
    const auto id = run.recorder->find(output);
    if (id == kNoValue)
      throw DataError("graph", "expected an output made by an operator, got another tensor", "",
                      "return what the model computed");
    run.outputs.push_back(id);
  }
  return run;
}

std::string common_module(const std::string& a, const std::string& b) {
  size_t end = 0;
  for (size_t i = 0; i <= std::min(a.size(), b.size()); ++i) {
    const bool a_ends = i == a.size() || a[i] == '.', b_ends = i == b.size() || b[i] == '.';
    if (a_ends && b_ends) end = i;
    if (i < a.size() && i < b.size() && a[i] != b[i]) break;
  }
  return a.substr(0, end);
}

void name_modules(Graph& graph) {
  std::vector<std::string> next(graph.nodes.size());
  std::string module;
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    if (!graph.nodes[i].module.empty()) module = graph.nodes[i].module;
    next[i] = module;
  }
  module = "";
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    auto& node = graph.nodes[i];
    if (node.module.empty())
      node.module = common_module(module, next[i]);
    else
      module = node.module;
  }
}

// What is no number in both counts as the same.
bool same_bits(const torch::Tensor& a, const torch::Tensor& b) {
  if (a.sizes() != b.sizes() || a.scalar_type() != b.scalar_type()) return false;
  return (a == b).logical_or(a.isnan().logical_and(b.isnan())).all().item<bool>();
}

void prove(const CaptureRequest& request, const Graph& graph) {
  const auto inputs = request.example(kProofBatch);
  const auto expected = request.run(inputs);
  const auto got = replay(graph, inputs);
  for (size_t i = 0; i < expected.size(); ++i)
    if (!same_bits(expected[i], got[i]))
      throw DataError(
          "graph", "expected a graph that computes what the model does, got another result",
          fmt::format("output {} for a batch of {}", i, kProofBatch),
          "the model's output must follow from its input and parameters alone: no state that "
          "operators outside of LibTorch change, nothing decided by the batch size");
}

}  // namespace

Graph capture(const CaptureRequest& request) {
  const torch::NoGradGuard no_grad;
  const auto first = record(request, kFirstBatch);
  const auto second = record(request, kSecondBatch);
  auto graph = unify(request, first, second);
  name_modules(graph);
  prove(request, graph);
  return graph;
}

Graph capture(models::ImageModel& model, int64_t height, int64_t width) {
  const runtime::EvalScope scope(model);
  auto generator = at::make_generator<at::CPUGeneratorImpl>(0);
  return capture({.run = [&](const Tensors& x) { return Tensors{model.forward(x.at(0))}; },
                  .example =
                      [&](int64_t batch) {
                        return Tensors{
                            torch::randn({batch, model.in_chans(), height, width}, generator)
                                .to(scope.device())};
                      },
                  .module = &model,
                  .input_names = {"pixel_values"},
                  .output_names = {"logits"}});
}

}  // namespace braid::graph
