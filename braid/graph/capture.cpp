#include "braid/graph/capture.h"

#include <ATen/CPUGeneratorImpl.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "braid/core/error.h"
#include "braid/graph/passes/rewrite.h"
#include "braid/graph/replay.h"
#include "braid/graph/unify.h"
#include "braid/runtime/eval_scope.h"

namespace braid::graph {
namespace {

using Tensors = CaptureRequest::Tensors;

// A batch of 1, where operators take shortcuts.
Sizes sizes_of_proof(const CaptureRequest& request) {
  const auto at_most = [](const std::optional<int64_t>& most, int64_t wanted) {
    if (!most) return int64_t{0};
    return *most == 0 ? wanted : std::min(wanted, *most);
  };
  return {1, at_most(request.max_length, 13), at_most(request.max_memory, 11)};
}

RecordedRun record(const CaptureRequest& request, Sizes sizes) {
  const auto inputs = request.example(sizes);
  RecordedRun run{.sizes = sizes, .recorder = std::make_unique<Recorder>()};
  Tensors outputs;
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

void drop_unread_inputs(Graph& graph) {
  const Uses uses(graph);
  std::erase_if(graph.inputs, [&](ValueId id) { return uses.reads(id) == 0; });
}

// What is no number in both counts as the same.
bool same_bits(const torch::Tensor& a, const torch::Tensor& b) {
  if (a.sizes() != b.sizes() || a.scalar_type() != b.scalar_type()) return false;
  return (a == b).logical_or(a.isnan().logical_and(b.isnan())).all().item<bool>();
}

void prove(const CaptureRequest& request, const Graph& graph) {
  const auto sizes = sizes_of_proof(request);
  const auto inputs = request.example(sizes);
  const auto expected = request.run(inputs);
  const auto got = replay(graph, inputs);
  for (size_t i = 0; i < expected.size(); ++i)
    if (!same_bits(expected[i], got[i]))
      throw DataError(
          "graph", "expected a graph that computes what the model does, got another result",
          fmt::format("output {} for {}", i, described(sizes)),
          "the model's output must follow from its input and parameters alone: no state that "
          "operators outside of LibTorch change, nothing decided by the input's sizes");
}

}  // namespace

Graph capture(const CaptureRequest& request) {
  const torch::NoGradGuard no_grad;
  std::vector<RecordedRun> runs;
  for (const auto sizes : recorded_sizes(request)) runs.push_back(record(request, sizes));
  auto graph = unify(request, runs);
  name_modules(graph);
  prove(request, graph);
  return graph;
}

Graph capture(models::ImageModel& model, int64_t height, int64_t width) {
  const runtime::EvalScope scope(model);
  auto generator = at::make_generator<at::CPUGeneratorImpl>(0);
  return capture({.run = [&](const Tensors& x) { return Tensors{model.forward(x.at(0))}; },
                  .example =
                      [&](Sizes sizes) {
                        return Tensors{
                            torch::randn({sizes.batch, model.in_chans(), height, width}, generator)
                                .to(scope.device())};
                      },
                  .module = &model,
                  .input_names = {"pixel_values"},
                  .output_names = {"logits"}});
}

Tensors example_texts(const models::TextEncoder& model, Sizes sizes, at::Generator generator) {
  const auto [batch, length] = std::pair(sizes.batch, sizes.length);
  auto ids = torch::randint(model.vocab_size(), {batch, length}, generator, torch::kLong);
  auto mask = torch::ones({batch, length}, torch::kLong);
  // Every row but the first ends in padding.
  for (int64_t row = 1; row < batch; ++row)
    mask[row].slice(0, std::max<int64_t>(length - row, 1), length).zero_();
  ids.masked_fill_(mask.eq(0), model.fill_token_id());
  // The second half is another text, where the model knows of two.
  const int64_t second = model.token_types() == 1 ? length : length / 2;
  const auto types = torch::arange(length).ge(second).to(torch::kLong).repeat({batch, 1});
  return {ids, mask, types};
}

Graph capture(models::TextEncoder& model) {
  const runtime::EvalScope scope(model);
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(0);
  auto graph = capture(
      {.run =
           [&](const Tensors& x) {
             return Tensors{model.forward(
                 {.input_ids = x.at(0), .attention_mask = x.at(1), .token_type_ids = x.at(2)})};
           },
       .example =
           [&](Sizes sizes) {
             auto inputs = example_texts(model, sizes, generator);
             for (auto& input : inputs) input = input.to(scope.device());
             return inputs;
           },
       .module = &model,
       .input_names = {"input_ids", "attention_mask", "token_type_ids"},
       .output_names = {model.head() == models::TextHead::kNone ? "last_hidden_state" : "logits"},
       .max_length = model.max_positions()});
  drop_unread_inputs(graph);
  return graph;
}

}  // namespace braid::graph
