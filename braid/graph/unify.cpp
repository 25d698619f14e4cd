#include "braid/graph/unify.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "braid/core/error.h"

namespace braid::graph {
namespace {

std::vector<int64_t> integers_of(const c10::IValue& value) {
  if (value.isInt()) return {value.toInt()};
  if (value.isIntList()) return value.toIntVector();
  return {};
}

constexpr auto kSameOperators = "the same operators at every size of the input";
constexpr auto kDecideNothing = "decide nothing by the batch size or the length in the model";

constexpr int64_t kLonger = 2;      // tokens from one run to the next
constexpr size_t kRunsOfTexts = 6;  // of recorded_sizes(), where the memory has one length

class Unifier {
 public:
  Unifier(const CaptureRequest& request, const std::vector<RecordedRun>& runs)
      : request_(request),
        runs_(runs),
        first_(runs.at(0)),
        known_(first_.recorder->tensors.size()) {
    if (request.module == nullptr) return;
    for (const auto& item : request.module->named_buffers())
      names_[item.value().unsafeGetTensorImpl()] = {item.key(), false};
    for (const auto& item : request.module->named_parameters())
      names_[item.value().unsafeGetTensorImpl()] = {item.key(), true};
  }

  Graph unify() {
    const auto& calls = first_.recorder->calls;
    size_t common = calls.size();
    for (const auto& run : runs_) common = std::min(common, run.recorder->calls.size());
    for (size_t i = 0; i < known_.size(); ++i) name_leaf(i);
    for (const ValueId id : first_.inputs) known(id).dynamic = true;
    for (size_t i = 0; i < common; ++i) {
      for (const auto& run : runs_) compare_operators(calls[i], run, i);
      if (follows_input(calls[i]))
        mark_dynamic(calls[i]);
      else
        inherit_name(calls[i]);
    }
    for (const auto& run : runs_)
      if (calls.size() != run.recorder->calls.size() || first_.outputs != run.outputs)
        refuse(calls.empty() ? nullptr : &calls.back(), kSameOperators,
               fmt::format("{} for {} and {} for {}", calls.size(), described(first_.sizes),
                           run.recorder->calls.size(), described(run.sizes)),
               kDecideNothing);
    return build();
  }

 private:
  struct Known {
    bool dynamic = false;
    ValueId id = kNoValue;  // in the graph
    std::string name;
    bool learned = false;
  };
  struct Name {
    std::string name;
    bool learned = false;
  };

  Known& known(ValueId id) { return known_.at(static_cast<size_t>(id)); }
  const RecordedTensor& tensor(ValueId id) const {
    return first_.recorder->tensors.at(static_cast<size_t>(id));
  }
  static const RecordedTensor& tensor_of(const RecordedRun& run, ValueId id) {
    return run.recorder->tensors.at(static_cast<size_t>(id));
  }

  void name_leaf(size_t i) {
    const auto it = names_.find(first_.recorder->tensors[i].tensor.unsafeGetTensorImpl());
    if (it == names_.end()) return;
    known_[i].name = it->second.name;
    known_[i].learned = it->second.learned;
  }

  void inherit_name(const RecordedCall& call) {
    for (const auto& inputs : call.inputs)
      for (const auto& input : inputs) {
        const auto source = known(input.id);
        if (source.name.empty()) continue;
        for (const ValueId output : call.outputs)
          if (known(output).name.empty()) {
            known(output).name = source.name;
            known(output).learned = source.learned;
          }
        return;
      }
  }

  std::string module_of(const RecordedCall& call) {
    for (const auto& inputs : call.inputs)
      for (const auto& input : inputs) {
        const auto& name = known(input.id).name;
        if (const auto dot = name.rfind('.'); dot != std::string::npos) return name.substr(0, dot);
      }
    return "";
  }

  [[noreturn]] void refuse(const RecordedCall* call, const std::string& expected,
                           const std::string& got, const std::string& remedy) {
    std::string where;
    if (call != nullptr) {
      where = call->op.operator_name().name;
      if (auto module = module_of(*call); !module.empty() || !last_module_.empty())
        where += ", in or after module " + (module.empty() ? last_module_ : module);
    }
    throw DataError("graph", "expected " + expected + ", got " + got, where, remedy);
  }

  void compare_operators(const RecordedCall& call, const RecordedRun& run, size_t position) {
    const auto& o = run.recorder->calls[position];
    bool same = call.op.operator_name() == o.op.operator_name() && call.outputs == o.outputs &&
                call.inputs.size() == o.inputs.size();
    for (size_t i = 0; same && i < call.inputs.size(); ++i)
      same =
          std::equal(call.inputs[i].begin(), call.inputs[i].end(), o.inputs[i].begin(),
                     o.inputs[i].end(), [](const auto& a, const auto& b) { return a.id == b.id; });
    if (!same)
      refuse(&call, kSameOperators,
             fmt::format("{} for {}", o.op.operator_name().name, described(run.sizes)),
             kDecideNothing);
    if (auto module = module_of(call); !module.empty()) last_module_ = std::move(module);
  }

  bool follows_input(const RecordedCall& call) {
    for (const auto& inputs : call.inputs)
      for (const auto& input : inputs)
        if (known(input.id).dynamic) return true;
    for (const auto& run : runs_)
      for (const ValueId id : call.outputs)
        if (tensor(id).shape != tensor_of(run, id).shape) return true;
    return follows_sizes(call);
  }

  // Such as the row of a table of positions that stands behind the text's.
  bool follows_sizes(const RecordedCall& call) const {
    const auto position = static_cast<size_t>(&call - first_.recorder->calls.data());
    for (const auto& run : runs_) {
      const auto& other = run.recorder->calls[position];
      for (size_t i = 0; i < call.arguments.size(); ++i)
        if (integers_of(call.arguments[i]) != integers_of(other.arguments[i])) return true;
    }
    return false;
  }

  void mark_dynamic(const RecordedCall& call) {
    if (call.outputs.empty())
      refuse(&call, "operators that give tensors", "a number read out of one",
             "compute with the tensor itself, not with .item()");
    for (const ValueId id : call.outputs) known(id).dynamic = true;
    for (const auto& inputs : call.inputs)
      for (const auto& input : inputs) check_input(call, input);
  }

  void check_input(const RecordedCall& call, const RecordedCall::Input& input) {
    if (known(input.id).dynamic) {
      if (input.overwritten)
        refuse(&call, "no reads of a tensor that was written to through another view of it", "one",
               "use the operator that does not work in place");
      return;
    }
    if (tensor(input.id).tensor._version() != input.version)
      refuse(&call, "parameters and buffers that stay as they are", "a write into one",
             "use the operator that does not work in place");
    for (const auto& run : runs_)
      if (!torch::equal(tensor(input.id).tensor, tensor_of(run, input.id).tensor))
        refuse(&call, "the same constants in every run", "another one",
               "draw no random numbers, and compute nothing from the inputs' sizes");
  }

  // values: of every run.
  Extent extent(const RecordedCall& call, const std::vector<int64_t>& values) {
    const auto first = runs_[0].sizes;
    // A batch more.
    const auto step = [&](size_t at) { return values[at + 1] - values[at]; };
    if (runs_.size() == 2) return {.scale = step(0), .offset = values[0] - step(0) * first.batch};
    const auto by_length = [&](size_t at) { return values[at + 2] - values[at]; };
    Extent extent{.area = (step(2) - step(0)) / kLonger,
                  .square = (by_length(2) - by_length(0)) / (2 * kLonger * kLonger)};
    const int64_t linear = by_length(0) - extent.square * kLonger * (2 * first.length + kLonger);
    extent.length = linear / kLonger - extent.area * first.batch;
    extent.scale = step(0) - extent.area * first.length;
    if (runs_.size() > kRunsOfTexts) follow_memory(extent, values);
    extent.offset = values[0] - extent.at(first);
    for (size_t i = 0; i < runs_.size(); ++i)
      if (extent.at(runs_[i].sizes) != values[i])
        refuse(&call, "integers that follow batch and length by whole numbers",
               fmt::format("{} for {} and {} for {}", values[0], described(first), values[i],
                           described(runs_[i].sizes)),
               "round nothing by the length in the model");
    return extent;
  }

  // So far the memory's first length counts as a constant.
  void follow_memory(Extent& extent, const std::vector<int64_t>& values) const {
    // For each token of the memory, at the batch and length of the k-th run of a longer one.
    const auto by_memory = [&](size_t k) {
      return (values[kRunsOfTexts + k] - values[k]) / kLonger;
    };
    const auto first = first_.sizes;
    extent.memory_area = by_memory(1) - by_memory(0);
    extent.memory_length = (by_memory(2) - by_memory(0)) / kLonger;
    extent.memory =
        by_memory(0) - extent.memory_area * first.batch - extent.memory_length * first.length;
    extent.scale -= extent.memory_area * first.memory;
    extent.length -= extent.memory_length * first.memory;
  }

  // lists: of every run.
  Shape extents(const RecordedCall& call, const std::vector<std::vector<int64_t>>& lists) {
    for (const auto& list : lists)
      if (list.size() != lists[0].size())
        refuse(&call, "as many dimensions at every size of the input",
               fmt::format("{} and {}", lists[0].size(), list.size()), "");
    Shape shape;
    for (size_t i = 0; i < lists[0].size(); ++i) {
      std::vector<int64_t> values;
      for (const auto& list : lists) values.push_back(list[i]);
      shape.push_back(extent(call, values));
    }
    return shape;
  }

  // The i-th argument of the call at a position.
  Argument argument(size_t position, size_t i) {
    const auto& call = first_.recorder->calls[position];
    const auto& value = call.arguments[i];
    std::vector<c10::IValue> all;
    for (const auto& run : runs_) all.push_back(run.recorder->calls[position].arguments[i]);
    if (value.isTensor() && value.toTensor().defined())
      return value_argument(graph_id(call, call.inputs[i].at(0).id));
    if (value.isTensorList() || value.isOptionalTensorList()) return list(call, value, i);
    if (value.isInt() || value.isIntList()) {
      std::vector<std::vector<int64_t>> lists;
      for (const auto& one : all) lists.push_back(integers_of(one));
      return {.kind = value.isInt() ? Argument::Kind::kInt : Argument::Kind::kInts,
              .ints = extents(call, lists)};
    }
    for (const auto& other : all)
      if ((value.isDouble() && value.toDouble() != other.toDouble()) ||
          (value.isBool() && value.toBool() != other.toBool()))
        refuse(&call, "numbers that do not follow the input or its sizes", "one that does",
               "compute with tensors");
    return value.isTensor() ? other_argument(c10::IValue()) : other_argument(value);
  }

  Argument list(const RecordedCall& call, const c10::IValue& value, size_t i) {
    Argument argument{.kind = Argument::Kind::kValues};
    size_t next = 0;
    const auto take = [&](bool defined) {
      argument.values.push_back(defined ? graph_id(call, call.inputs[i].at(next++).id) : kNoValue);
    };
    if (value.isTensorList()) {
      for (const torch::Tensor& t : value.toTensorVector()) take(t.defined());
    } else {
      for (const std::optional<torch::Tensor> t : value.toOptionalTensorList())
        take(t && t->defined());
    }
    return argument;
  }

  ValueId graph_id(const RecordedCall& call, ValueId id) {
    auto& value = known(id);
    if (value.id != kNoValue) return value.id;
    const auto& recorded = tensor(id);
    std::vector<std::vector<int64_t>> shapes;
    for (const auto& run : runs_) shapes.push_back(tensor_of(run, id).shape);
    graph_.values.push_back({.dtype = recorded.tensor.scalar_type(),
                             .shape = extents(call, shapes),
                             .constant = value.dynamic ? torch::Tensor() : recorded.tensor,
                             .name = value.name,
                             .learned = value.learned});
    return value.id = static_cast<ValueId>(graph_.values.size()) - 1;
  }

  // Of the calls that follow the input, those that the outputs need.
  std::vector<bool> needed_calls() {
    const auto& calls = first_.recorder->calls;
    std::vector<bool> wanted(known_.size()), needed(calls.size());
    for (const ValueId id : first_.outputs) wanted[static_cast<size_t>(id)] = true;
    for (size_t i = calls.size(); i-- > 0;) {
      needed[i] = std::any_of(calls[i].outputs.begin(), calls[i].outputs.end(), [&](ValueId id) {
        return wanted[static_cast<size_t>(id)] && known(id).dynamic;
      });
      if (!needed[i]) continue;
      for (const auto& inputs : calls[i].inputs)
        for (const auto& input : inputs) wanted[static_cast<size_t>(input.id)] = true;
    }
    return needed;
  }

  Graph build() {
    const auto& calls = first_.recorder->calls;
    const RecordedCall nothing{.op = calls.at(0).op, .arguments = {}, .inputs = {}, .outputs = {}};
    const auto name = [](const std::vector<std::string>& names, size_t i, const char* word) {
      return i < names.size() ? names[i] : fmt::format("{}_{}", word, i);
    };
    for (size_t i = 0; i < first_.inputs.size(); ++i) {
      graph_.inputs.push_back(graph_id(nothing, first_.inputs[i]));
      graph_.at(graph_.inputs.back()).name = name(request_.input_names, i, "input");
    }
    const auto needed = needed_calls();
    for (size_t i = 0; i < calls.size(); ++i) {
      if (!needed[i]) continue;
      Node node{.op = calls[i].op, .arguments = {}, .outputs = {}, .module = module_of(calls[i])};
      for (size_t k = 0; k < calls[i].arguments.size(); ++k)
        node.arguments.push_back(argument(i, k));
      for (const ValueId id : calls[i].outputs) node.outputs.push_back(graph_id(calls[i], id));
      graph_.nodes.push_back(std::move(node));
    }
    for (size_t i = 0; i < first_.outputs.size(); ++i) {
      if (!known(first_.outputs[i]).dynamic)
        refuse(nullptr, "an output that follows the input", "a constant", "");
      graph_.outputs.push_back(graph_id(nothing, first_.outputs[i]));
      auto& value = graph_.at(graph_.outputs.back());
      if (value.name.empty()) value.name = name(request_.output_names, i, "output");
    }
    return std::move(graph_);
  }

  const CaptureRequest& request_;
  const std::vector<RecordedRun>& runs_;
  const RecordedRun& first_;
  std::vector<Known> known_;
  std::unordered_map<const void*, Name> names_;
  std::string last_module_;
  Graph graph_;
};

}  // namespace

std::string described(Sizes sizes) {
  if (sizes.length == 0) return fmt::format("a batch of {}", sizes.batch);
  auto text = fmt::format("a batch of {} texts of {} tokens", sizes.batch, sizes.length);
  return sizes.memory == 0 ? text : text + fmt::format(" for texts of {}", sizes.memory);
}

std::vector<Sizes> recorded_sizes(const CaptureRequest& request) {
  if (!request.max_length) return {{2}, {3}};
  // The shortest length from which the runs go on, at most `wanted`.
  const auto begin = [](int64_t most, int64_t wanted, int64_t longer) {
    if (most > 0 && most < 2 + longer)
      throw DataError("graph", fmt::format("expected a model of texts of {} tokens or more, got "
                                           "one of {}",
                                           2 + longer, most));
    return most == 0 ? wanted : std::min(wanted, most - longer);
  };
  const int64_t length = begin(*request.max_length, 6, 2 * kLonger);
  const int64_t memory = request.max_memory ? begin(*request.max_memory, 5, 2 * kLonger) : 0;
  std::vector<Sizes> sizes;
  for (const int64_t more : {int64_t{0}, kLonger, 2 * kLonger})
    for (const int64_t batch : {2, 3}) sizes.emplace_back(batch, length + more, memory);
  if (!request.max_memory) return sizes;
  for (size_t k = 0; k < 3; ++k)
    sizes.emplace_back(sizes[k].batch, sizes[k].length, memory + kLonger);
  sizes.emplace_back(sizes[0].batch, length, memory + 2 * kLonger);
  return sizes;
}

Graph unify(const CaptureRequest& request, const std::vector<RecordedRun>& runs) {
  return Unifier(request, runs).unify();
}

}  // namespace braid::graph
