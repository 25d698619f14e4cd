#include "braid/graph/replay.h"

#include <fmt/format.h>

#include "braid/core/error.h"
#include "braid/graph/recorder.h"

namespace braid::graph {
namespace {

using torch::Tensor;

void check_inputs(const Graph& graph, const std::vector<Tensor>& inputs) {
  const auto fail = [](const std::string& expected, const std::string& got,
                       const std::string& where) {
    throw DataError("graph", "expected " + expected + ", got " + got, where,
                    "a graph is captured for one size of an image; what is written N, the batch, "
                    "L, the tokens of a text, and M, those of the text that a decoder reads, is "
                    "free");
  };
  if (inputs.size() != graph.inputs.size())
    fail(fmt::format("{} inputs", graph.inputs.size()), std::to_string(inputs.size()), "");
  for (size_t i = 0; i < inputs.size(); ++i)
    if (!inputs[i].defined() ||
        static_cast<size_t>(inputs[i].dim()) != graph.at(graph.inputs[i]).shape.size())
      fail(to_text(graph.at(graph.inputs[i]).shape), "another number of dimensions",
           graph.at(graph.inputs[i]).name);
  const auto sizes = sizes_of(graph, inputs);
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto& value = graph.at(graph.inputs[i]);
    if (inputs[i].sizes() != at::IntArrayRef(shape_at(value.shape, sizes)) ||
        inputs[i].scalar_type() != value.dtype)
      fail(fmt::format("{} {}", c10::toString(value.dtype), to_text(value.shape)),
           fmt::format("{} {}", c10::toString(inputs[i].scalar_type()),
                       to_text(constant_shape(inputs[i].sizes()))),
           value.name);
  }
}

c10::IValue boxed(const Argument& argument, const c10::TypePtr& type,
                  const std::vector<Tensor>& values, Sizes sizes) {
  const auto tensor = [&](ValueId id) { return values.at(static_cast<size_t>(id)); };
  switch (argument.kind) {
    case Argument::Kind::kValue:
      return tensor(argument.values.at(0));
    case Argument::Kind::kValues: {
      c10::List<std::optional<Tensor>> some;
      c10::List<Tensor> all;
      const bool optional = type->str().find("Optional") != std::string::npos ||
                            type->str().find('?') != std::string::npos;
      for (const ValueId id : argument.values) {
        if (optional)
          some.push_back(id == kNoValue ? std::nullopt : std::optional(tensor(id)));
        else
          all.push_back(tensor(id));
      }
      return optional ? c10::IValue(some) : c10::IValue(all);
    }
    case Argument::Kind::kInt:
      return argument.ints.at(0).at(sizes);
    case Argument::Kind::kInts:
      return shape_at(argument.ints, sizes);
    case Argument::Kind::kOther:
      break;
  }
  return argument.other;
}

// For each node, the values that nothing reads after it.
std::vector<std::vector<ValueId>> last_reads(const Graph& graph) {
  std::vector<bool> read_later(graph.values.size());
  for (const ValueId id : graph.outputs) read_later[static_cast<size_t>(id)] = true;
  std::vector<std::vector<ValueId>> last(graph.nodes.size());
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    const auto see = [&](ValueId id) {
      if (id == kNoValue || read_later[static_cast<size_t>(id)]) return;
      read_later[static_cast<size_t>(id)] = true;
      last[i].push_back(id);
    };
    for (const auto& argument : graph.nodes[i].arguments)
      for (const ValueId id : argument.values) see(id);
    for (const ValueId id : graph.nodes[i].outputs) see(id);
  }
  return last;
}

// last: last_reads() of the graph.
std::vector<std::vector<Tensor>> run(const Graph& graph,
                                     const std::vector<std::vector<ValueId>>& last,
                                     const std::vector<std::vector<Tensor>>& batches,
                                     const SeeValues& see) {
  std::vector<Sizes> sizes;
  std::vector<Tensor> constants;
  for (const auto& value : graph.values) constants.push_back(value.constant);
  std::vector<std::vector<Tensor>> values(batches.size(), constants);
  for (const auto& inputs : batches) {
    check_inputs(graph, inputs);
    sizes.push_back(sizes_of(graph, inputs));
  }
  std::vector<Tensor> seen(batches.size());
  const auto show = [&](ValueId id) {
    see(id, seen);
    for (size_t b = 0; b < batches.size(); ++b)
      values[b][static_cast<size_t>(id)] = std::move(seen[b]);
  };
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    for (size_t b = 0; b < batches.size(); ++b) seen[b] = batches[b][i];
    show(graph.inputs[i]);
  }
  std::vector<std::vector<Tensor>> results(batches.size());
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const auto& node = graph.nodes[i];
    for (size_t b = 0; b < batches.size(); ++b) results[b] = call(node, values[b], sizes[b]);
    for (size_t k = 0; k < node.outputs.size(); ++k) {
      for (size_t b = 0; b < batches.size(); ++b) seen[b] = std::move(results[b].at(k));
      show(node.outputs[k]);
    }
    for (const ValueId id : last[i])
      for (auto& of_batch : values) of_batch[static_cast<size_t>(id)] = Tensor();
  }
  std::vector<std::vector<Tensor>> outputs(batches.size());
  for (size_t b = 0; b < batches.size(); ++b)
    for (const ValueId id : graph.outputs)
      outputs[b].push_back(values[b].at(static_cast<size_t>(id)));
  return outputs;
}

}  // namespace

Sizes sizes_of(const Graph& graph, const std::vector<Tensor>& inputs) {
  const Extent batch{.scale = 1}, length{.length = 1}, memory{.memory = 1};
  Sizes sizes(1);
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    const auto& shape = graph.at(graph.inputs[i]).shape;
    for (size_t d = 0; d < shape.size(); ++d) {
      if (shape[d] == batch) sizes.batch = inputs[i].size(static_cast<int64_t>(d));
      if (shape[d] == length) sizes.length = inputs[i].size(static_cast<int64_t>(d));
      if (shape[d] == memory) sizes.memory = inputs[i].size(static_cast<int64_t>(d));
    }
  }
  return sizes;
}

std::vector<Tensor> call(const Node& node, const std::vector<Tensor>& values, Sizes sizes) {
  torch::jit::Stack stack;
  for (size_t i = 0; i < node.arguments.size(); ++i)
    stack.push_back(
        boxed(node.arguments[i], node.op.schema().arguments()[i].type(), values, sizes));
  node.op.callBoxed(&stack);
  std::vector<Tensor> outputs;
  for (const auto& result : stack)
    for (const auto& tensor : tensors_of(result)) outputs.push_back(tensor);
  return outputs;
}

std::vector<Tensor> replay(const Graph& graph, const std::vector<Tensor>& inputs) {
  return replay(graph, inputs, [](ValueId, Tensor&) {});
}

std::vector<Tensor> replay(const Graph& graph, const std::vector<Tensor>& inputs,
                           const SeeValue& see) {
  return replay_together(
             graph, {inputs},
             [&](ValueId id, std::vector<Tensor>& of_batches) { see(id, of_batches[0]); })
      .at(0);
}

std::vector<std::vector<Tensor>> replay_together(const Graph& graph,
                                                 const std::vector<std::vector<Tensor>>& batches,
                                                 const SeeValues& see) {
  return run(graph, last_reads(graph), batches, see);
}

Replayer::Replayer(Graph graph) : graph_(std::move(graph)), last_reads_(last_reads(graph_)) {}

std::vector<Tensor> Replayer::operator()(const std::vector<Tensor>& inputs) const {
  return run(graph_, last_reads_, {inputs}, [](ValueId, std::vector<Tensor>&) {}).at(0);
}

}  // namespace braid::graph
