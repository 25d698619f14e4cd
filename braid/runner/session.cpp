#include "braid/runner/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <new>
#include <set>
#include <stdexcept>
#include <system_error>

#include "braid/core/cpu.h"
#include "braid/core/error.h"
#include "braid/runner/graph.h"
#include "braid/runner/last_position.h"
#include "braid/runner/mapped_file.h"

namespace braid::runner {
namespace {

constexpr const char* kExportAgain = "export the model again with `braid export`";

// Larger results are computed in each run rather than kept.
constexpr size_t kMostFoldedBytes = 64 << 20;

std::string where_of(const FileNode& node, const std::string& file) {
  return fmt::format("{}, operator {} {}", file, node.op_type,
                     node.name.empty() && !node.outputs.empty() ? node.outputs[0] : node.name);
}

// A few bytes of a foreign file can ask for all there is, and the system would promise it.
uint64_t half_of_memory() {
  static const auto half = static_cast<uint64_t>(usable_memory() / 2);
  return half;
}

// Foreign files can ask for more than there is in many ways; all of them are the file's fault.
template <class F>
auto guarded(const std::string& where, const F& f) {
  try {
    return f();
  } catch (const std::bad_alloc&) {
    throw OutOfMemoryError("runner", "expected a model that fits into memory, got a larger one",
                           where);
  } catch (const std::length_error&) {
    throw OutOfMemoryError("runner", "expected a model that fits into memory, got a larger one",
                           where);
  }
}

}  // namespace

struct Session::State {
  struct Step {
    std::string type;
    OpPtr op;
    std::vector<int> inputs, outputs;  // places of values, -1: left out
    std::vector<bool> is_last;         // of each input: nobody reads it afterwards
    double seconds = 0;
  };

  State(const SessionOptions& options, const std::string& where)
      : where(where),
        pool(options.most_bytes != 0 ? options.most_bytes : half_of_memory(), where),
        threads(std::clamp(options.threads, 1, 256)),
        context{threads, pool, options.kernels == nullptr ? kernels() : *options.kernels} {}

  std::string where;
  std::shared_ptr<const MappedFile> mapping;
  BufferPool pool;
  ThreadPool threads;
  RunContext context;
  OnnxFile file;
  std::vector<Step> steps;
  std::vector<Tensor> constants;  // by place; undefined: computed
  std::vector<int> input_places, output_places;
  bool measures = false;

  void load(std::span<const uint8_t> bytes, const SessionOptions& options);
  Tensor constant_of(const StoredTensor& stored) const;
  void check_order(const Graph& graph) const;
  void fold(Graph& graph) const;
  void keep_last_positions(Graph& graph) const;
  OpPtr build(const FileNode& node, const Graph& graph) const;
  void plan(const Graph& graph);
  const Tensor& checked_input(const FileValue& value,
                              const std::map<std::string, Tensor>& given) const;
  std::vector<Tensor> run(const std::map<std::string, Tensor>& given);
  std::vector<Tensor> run_steps(const std::map<std::string, Tensor>& given);
  void check_output(const FileValue& value, const Tensor& made) const;
  void run_step(Step& step, std::vector<Tensor>& values) const;
};

Tensor Session::State::constant_of(const StoredTensor& stored) const {
  const auto* bytes = stored.bytes.data();
  const bool aligned = reinterpret_cast<uintptr_t>(bytes) % size_of(stored.dtype) == 0;
  if (aligned && !stored.bytes.empty()) {
    // Nobody writes into constants; the holder keeps unpacked numbers alive.
    auto* place = reinterpret_cast<std::byte*>(const_cast<uint8_t*>(bytes));
    return {stored.dtype, stored.dims,
            std::shared_ptr<std::byte>(place, [held = stored.unpacked](std::byte*) {})};
  }
  Tensor copy = context.make(stored.dtype, stored.dims);
  if (!stored.bytes.empty()) std::memcpy(copy.raw(), bytes, stored.bytes.size());
  return copy;
}

void Session::State::check_order(const Graph& graph) const {
  std::set<std::string> made;
  const auto make = [&](const std::string& name) {
    if (!made.insert(name).second)
      throw DataError("onnx", fmt::format("expected each value once, got '{}' twice", name), where,
                      kExportAgain);
  };
  for (const auto& input : file.inputs) make(input.name);
  for (const auto& item : graph.constants) make(item.first);
  for (const auto& node : graph.nodes) {
    for (const auto& input : node.inputs)
      if (!input.empty() && !made.contains(input))
        throw DataError("onnx",
                        fmt::format("expected values that are made before they are read, got '{}', "
                                    "which is missing or part of a circle",
                                    input),
                        where_of(node, where), kExportAgain);
    for (const auto& output : node.outputs)
      if (!output.empty()) make(output);
  }
  for (const auto& output : file.outputs)
    if (!made.contains(output.name))
      throw DataError("onnx", fmt::format("expected outputs that are made, got '{}'", output.name),
                      where, kExportAgain);
}

OpPtr Session::State::build(const FileNode& node, const Graph& graph) const {
  std::vector<const Tensor*> constants;
  for (const auto& input : node.inputs) {
    const auto it = graph.constants.find(input);
    constants.push_back(it == graph.constants.end() ? nullptr : &it->second);
  }
  const NodeView view(node, std::move(constants), file.opset, where_of(node, where));
  const auto it = op_table().find(node.op_type);
  if (it == op_table().end()) view.refuse("operators that are known here", node.op_type);
  return it->second(view);
}

void Session::State::fold(Graph& graph) const {
  std::vector<FileNode> kept;
  for (auto& node : graph.nodes) {
    Inputs inputs;
    bool constant = true;
    for (const auto& name : node.inputs) {
      const auto it = graph.constants.find(name);
      constant = constant && (name.empty() || it != graph.constants.end());
      inputs.add(it == graph.constants.end() ? nullptr : &it->second, false);
    }
    // Weights that are stored in 8 bits become numbers when they are read.
    if (!constant) {
      kept.push_back(std::move(node));
      continue;
    }
    auto made = build(node, graph)->run(context, inputs);
    size_t bytes = 0;
    for (const auto& tensor : made) bytes += tensor.byte_size();
    size_t read = 0;
    for (size_t i = 0; i < inputs.size(); ++i) read += inputs.has(i) ? inputs.at(i).byte_size() : 0;
    if (bytes > kMostFoldedBytes && bytes > 8 * read) {
      kept.push_back(std::move(node));
      continue;
    }
    for (size_t i = 0; i < made.size() && i < node.outputs.size(); ++i)
      if (!node.outputs[i].empty()) graph.constants[node.outputs[i]] = made[i];  // not left out
  }
  graph.nodes = std::move(kept);
}

void Session::State::keep_last_positions(Graph& graph) const {
  Tensor last = context.make(DType::kInt64, {1});
  *last.as<int64_t>() = -1;
  for (const auto& output : file.outputs)
    if (output.dims.size() == 3) keep_last_position(graph, output.name, last);
}

void Session::State::load(std::span<const uint8_t> bytes, const SessionOptions& options) {
  file = parse_onnx(bytes, where);
  Graph graph;
  graph.nodes = std::move(file.nodes);
  for (const auto& stored : file.tensors)
    if (!graph.constants.emplace(stored.name, constant_of(stored)).second)
      throw DataError("onnx", fmt::format("expected each tensor once, got '{}' twice", stored.name),
                      where, kExportAgain);
  for (const auto& output : file.outputs) graph.outputs.insert(output.name);
  check_order(graph);
  drop_unread(graph);
  if (options.fuses) fuse(graph);
  fold(graph);
  if (options.last_position) keep_last_positions(graph);
  if (options.fuses) fuse(graph);  // with constants that only now are some
  plan(graph);
  file.tensors.clear();
}

void Session::State::plan(const Graph& graph) {
  std::map<std::string, int> places;
  const auto place = [&](const std::string& name) {
    if (name.empty()) return -1;
    const auto [it, added] = places.emplace(name, static_cast<int>(constants.size()));
    if (added) constants.emplace_back();
    return it->second;
  };
  for (const auto& input : file.inputs) input_places.push_back(place(input.name));
  for (const auto& node : graph.nodes) {
    Step step{
        .type = node.op_type, .op = build(node, graph), .inputs = {}, .outputs = {}, .is_last = {}};
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const auto& name = node.inputs[i];
      step.inputs.push_back(step.op->keeps(i) ? -1 : place(name));
      if (step.inputs.back() < 0) continue;
      if (const auto it = graph.constants.find(name); it != graph.constants.end())
        constants[static_cast<size_t>(step.inputs.back())] = it->second;
    }
    for (const auto& name : node.outputs) step.outputs.push_back(place(name));
    steps.push_back(std::move(step));
  }
  for (const auto& output : file.outputs) {
    output_places.push_back(place(output.name));
    if (const auto it = graph.constants.find(output.name); it != graph.constants.end())
      constants[static_cast<size_t>(output_places.back())] = it->second;
  }
  // From the end: whoever is met first reads a value last.
  std::vector<bool> read_later(constants.size(), false);
  for (const int output : output_places) read_later[static_cast<size_t>(output)] = true;
  for (size_t s = steps.size(); s-- > 0;) {
    auto& step = steps[s];
    step.is_last.assign(step.inputs.size(), false);
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      if (step.inputs[i] < 0) continue;
      const auto at = static_cast<size_t>(step.inputs[i]);
      step.is_last[i] = !read_later[at] && !constants[at].defined();
    }
    // One value that is read twice by the same operator: nobody may take it over.
    for (size_t i = 0; i < step.inputs.size(); ++i)
      for (size_t k = i + 1; k < step.inputs.size(); ++k)
        if (step.inputs[i] >= 0 && step.inputs[i] == step.inputs[k]) step.is_last[i] = false;
    for (const int input : step.inputs)
      if (input >= 0) read_later[static_cast<size_t>(input)] = true;
  }
}

const Tensor& Session::State::checked_input(const FileValue& value,
                                            const std::map<std::string, Tensor>& given) const {
  const auto it = given.find(value.name);
  if (it == given.end() || !it->second.defined())
    throw DataError("runner", fmt::format("expected input '{}', got none", value.name), where);
  const Tensor& tensor = it->second;
  bool fits = tensor.dtype() == value.dtype && tensor.dims().size() == value.dims.size();
  for (size_t d = 0; fits && d < value.dims.size(); ++d)
    fits = value.dims[d] < 0 || value.dims[d] == tensor.dims()[d];
  if (!fits)
    throw DataError("runner",
                    fmt::format("expected {} {} as input '{}', got {} {}", to_string(value.dtype),
                                to_string(value.dims), value.name, to_string(tensor.dtype()),
                                to_string(tensor.dims())),
                    where);
  return tensor;
}

// Whoever reads it goes by what the file says of it.
void Session::State::check_output(const FileValue& value, const Tensor& made) const {
  if (made.dtype() != value.dtype)
    throw DataError("runner",
                    fmt::format("expected {} as output '{}', as the file says, got {}",
                                to_string(value.dtype), value.name, to_string(made.dtype())),
                    where, kExportAgain);
}

void Session::State::run_step(Step& step, std::vector<Tensor>& values) const {
  Inputs inputs;
  for (size_t i = 0; i < step.inputs.size(); ++i)
    inputs.add(step.inputs[i] < 0 ? nullptr : &values[static_cast<size_t>(step.inputs[i])],
               step.is_last[i]);
  auto made = step.op->run(context, inputs);
  for (size_t i = 0; i < step.inputs.size(); ++i)
    if (step.is_last[i]) values[static_cast<size_t>(step.inputs[i])] = {};
  for (size_t i = 0; i < step.outputs.size() && i < made.size(); ++i)
    if (step.outputs[i] >= 0) values[static_cast<size_t>(step.outputs[i])] = std::move(made[i]);
}

// Where memory ends, once more by operators that do with less of it.
std::vector<Tensor> Session::State::run(const std::map<std::string, Tensor>& given) {
  try {
    return run_steps(given);
  } catch (const OutOfMemoryError&) {
    bool freed = false;
    for (auto& step : steps) freed = step.op->give_back() || freed;
    if (!freed) throw;
  }
  return run_steps(given);
}

std::vector<Tensor> Session::State::run_steps(const std::map<std::string, Tensor>& given) {
  std::vector<Tensor> values = constants;
  for (size_t i = 0; i < file.inputs.size(); ++i)
    values[static_cast<size_t>(input_places[i])] = checked_input(file.inputs[i], given);
  for (auto& step : steps) {
    if (!measures) {
      run_step(step, values);
      continue;
    }
    const auto begin = std::chrono::steady_clock::now();
    run_step(step, values);
    step.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
  std::vector<Tensor> outputs;
  for (size_t i = 0; i < output_places.size(); ++i) {
    const auto place = static_cast<size_t>(output_places[i]);
    check_output(file.outputs[i], values[place]);
    outputs.push_back(values[place]);
  }
  return outputs;
}

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::~Session() = default;

std::unique_ptr<Session> Session::of_bytes(std::span<const uint8_t> bytes, const std::string& where,
                                           const SessionOptions& options) {
  return guarded(where, [&] {
    auto state = std::make_unique<State>(options, where);
    state->load(bytes, options);
    return std::unique_ptr<Session>(new Session(std::move(state)));
  });
}

std::unique_ptr<Session> Session::open(const std::filesystem::path& file,
                                       const SessionOptions& options) {
  return guarded(file.string(), [&] {
    auto state = std::make_unique<State>(options, file.string());
    state->mapping = std::make_shared<const MappedFile>(file);
    state->load(state->mapping->bytes(), options);
    return std::unique_ptr<Session>(new Session(std::move(state)));
  });
}

const std::vector<FileValue>& Session::inputs() const { return state_->file.inputs; }
const std::vector<FileValue>& Session::outputs() const { return state_->file.outputs; }
const std::map<std::string, std::string>& Session::metadata() const {
  return state_->file.metadata;
}
const std::string& Session::where() const { return state_->where; }
size_t Session::steps() const { return state_->steps.size(); }
void Session::measure(bool on) { state_->measures = on; }

Tensor Session::make(DType dtype, Dims dims) const {
  return guarded(state_->where, [&] { return state_->context.make(dtype, std::move(dims)); });
}

std::vector<Tensor> Session::run(const std::map<std::string, Tensor>& inputs) {
  return guarded(state_->where, [&] { return state_->run(inputs); });
}

void Session::release_memory() { state_->pool.release(); }

std::vector<std::pair<std::string, double>> Session::seconds_by_type() const {
  std::map<std::string, double> sums;
  for (const auto& step : state_->steps) sums[step.type] += step.seconds;
  std::vector<std::pair<std::string, double>> list(sums.begin(), sums.end());
  std::sort(list.begin(), list.end(),
            [](const auto& a, const auto& b) { return a.second > b.second; });
  return list;
}

std::optional<int64_t> metadata_number(const Session& session, const std::string& key,
                                       int64_t least) {
  const auto found = session.metadata().find(key);
  if (found == session.metadata().end()) return std::nullopt;
  const auto& text = found->second;
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < least)
    throw DataError("runner", fmt::format("expected a number as {}, got '{}'", key, text),
                    session.where());
  return number;
}

}  // namespace braid::runner
