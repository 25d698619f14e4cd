#include "braid/export/onnx/emitter.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "braid/core/error.h"
#include "braid/io/int4.h"

namespace braid::onnx {
namespace {

std::string short_name(const Node& node) {
  const auto& name = node.name();
  const auto colon = name.rfind(':');
  return colon == std::string::npos ? name : name.substr(colon + 1);
}

}  // namespace

DataType data_type(torch::ScalarType dtype) {
  switch (dtype) {
    case torch::kFloat:
      return DataType::kFloat;
    case torch::kDouble:
      return DataType::kDouble;
    case torch::kHalf:
      return DataType::kFloat16;
    case torch::kBFloat16:
      return DataType::kBfloat16;
    case torch::kByte:
      return DataType::kUint8;
    case torch::kChar:
      return DataType::kInt8;
    case torch::kInt:
      return DataType::kInt32;
    case torch::kLong:
      return DataType::kInt64;
    case torch::kBool:
      return DataType::kBool;
    default:
      throw DataError("onnx", fmt::format("expected numbers of a type that ONNX has, got {}",
                                          c10::toString(dtype)));
  }
}

Emitter::Emitter(const graph::Graph& graph, ModelProto& model) : graph_(graph), model_(model) {
  for (const auto& input : model.inputs) taken_.insert(input.name);
  for (const auto& output : model.outputs) taken_.insert(output.name);
}

std::string Emitter::once(const std::string& key, const std::function<std::string()>& make) {
  const auto it = made_.find(key);
  return it != made_.end() ? it->second : made_[key] = make();
}

std::string Emitter::size_of_input(const graph::Extent& extent) {
  return once("size " + graph::to_text(extent), [&] {
    for (size_t i = 0; i < graph_.inputs.size(); ++i) {
      const auto& shape = shape_of(graph_.inputs[i]);
      const auto found = std::find(shape.begin(), shape.end(), extent);
      if (found == shape.end()) continue;
      const int64_t dim = found - shape.begin();
      return add("Shape", {model_.inputs.at(i).name}, {{"start", dim}, {"end", dim + 1}});
    }
    throw InternalError("onnx", "expected an input of a size that values follow, got none",
                        graph::to_text(extent));
  });
}

std::string Emitter::extent(const graph::Extent& extent) {
  std::string sum;
  const auto add_term = [&](std::string term, int64_t factor) {
    if (factor == 0) return;
    if (factor != 1) term = add("Mul", {term, integers({factor})});
    sum = sum.empty() ? term : add("Add", {sum, term});
  };
  const auto batch = [&] { return size_of_input({.scale = 1}); };
  const auto length = [&] { return size_of_input({.length = 1}); };
  const auto memory = [&] { return size_of_input({.memory = 1}); };
  if (extent.scale != 0) add_term(batch(), extent.scale);
  if (extent.length != 0) add_term(length(), extent.length);
  if (extent.area != 0) add_term(add("Mul", {batch(), length()}), extent.area);
  if (extent.square != 0) add_term(add("Mul", {length(), length()}), extent.square);
  if (extent.memory != 0) add_term(memory(), extent.memory);
  if (extent.memory_area != 0) add_term(add("Mul", {batch(), memory()}), extent.memory_area);
  if (extent.memory_length != 0) add_term(add("Mul", {length(), memory()}), extent.memory_length);
  if (sum.empty()) return integers({extent.offset});
  return extent.offset == 0 ? sum : add("Add", {sum, integers({extent.offset})});
}

int64_t Emitter::size_of(ValueId id, int64_t dim) const {
  const auto& shape = shape_of(id);
  const auto& extent = shape.at(static_cast<size_t>(dim < 0 ? dim + rank_of(id) : dim));
  if (!extent.is_constant())
    refuse("a dimension that does not follow the input", graph::to_text(shape));
  return extent.offset;
}

std::string Emitter::unique(const std::string& name) {
  std::string candidate = name;
  for (int64_t k = 1; !taken_.insert(candidate).second; ++k)
    candidate = fmt::format("{}_{}", name, k);
  return candidate;
}

std::string Emitter::name(ValueId id) {
  const auto it = names_.find(id);
  if (it != names_.end()) return it->second;
  const auto& value = graph_.at(id);
  if (!value.constant.defined())
    throw InternalError("onnx", "expected a value that was translated, got another", value.name);
  return names_[id] = constant(value.constant, value.name);
}

std::string Emitter::name_as(ValueId id, torch::ScalarType dtype) {
  if (dtype_of(id) == dtype) return name(id);
  if (graph_.is_constant(id)) return constant(graph_.at(id).constant.to(dtype), graph_.at(id).name);
  return add("Cast", {name(id)}, {{"to", static_cast<int64_t>(data_type(dtype))}});
}

std::vector<std::string> Emitter::add_many(const std::string& op_type,
                                           std::vector<std::string> inputs, size_t outputs,
                                           Attributes attributes) {
  // There are many of them, and a small model's names would weigh more than its weights.
  const bool nameless = op_type == "QuantizeLinear" || op_type == "DequantizeLinear";
  const auto hint = nameless                ? "q"
                    : node_ == nullptr      ? op_type
                    : node_->module.empty() ? short_name(*node_)
                                            : node_->module + "/" + short_name(*node_);
  while (!inputs.empty() && inputs.back().empty()) inputs.pop_back();  // those left out at the end
  NodeProto node{.op_type = op_type,
                 .name = "",
                 .inputs = std::move(inputs),
                 .outputs = {},
                 .attributes = std::move(attributes)};
  for (size_t i = 0; i < outputs; ++i) node.outputs.push_back(unique(hint));
  if (!nameless) node.name = node.outputs.at(0);
  model_.nodes.push_back(node);
  return node.outputs;
}

std::string Emitter::add(const std::string& op_type, std::vector<std::string> inputs,
                         Attributes attributes) {
  return add_many(op_type, std::move(inputs), 1, std::move(attributes)).at(0);
}

void Emitter::emit(const Node& node, const std::string& op_type, std::vector<std::string> inputs,
                   Attributes attributes) {
  set(node.outputs.at(0), add(op_type, std::move(inputs), std::move(attributes)));
}

std::string Emitter::constant(const torch::Tensor& tensor, const std::string& name) {
  const auto plain = tensor.detach().cpu().contiguous();
  return store(
      {.name = "",
       .type = data_type(plain.scalar_type()),
       .dims = plain.sizes().vec(),
       .bytes = std::string(static_cast<const char*>(plain.const_data_ptr()), plain.nbytes())},
      name);
}

std::string Emitter::int4_constant(const torch::Tensor& tensor, const std::string& name) {
  const auto plain = tensor.detach().cpu().to(torch::kChar).contiguous();
  return store({.name = "",
                .type = DataType::kInt4,
                .dims = plain.sizes().vec(),
                .bytes = io::pack_int4(
                    {plain.const_data_ptr<int8_t>(), static_cast<size_t>(plain.numel())})},
               name);
}

std::string Emitter::store(Initializer initializer, const std::string& name) {
  const bool small = name.empty() && initializer.bytes.size() <= 64;
  const auto key = fmt::format("{} {} {}", static_cast<int>(initializer.type),
                               fmt::join(initializer.dims, ","), initializer.bytes);
  if (small)
    if (const auto it = shared_.find(key); it != shared_.end()) return it->second;
  initializer.name = unique(name.empty() ? "constant" : name);
  if (small) shared_[key] = initializer.name;
  model_.initializers.push_back(std::move(initializer));
  return model_.initializers.back().name;
}

std::string Emitter::integers(const std::vector<int64_t>& numbers) {
  return constant(torch::tensor(numbers, torch::kLong));
}

std::string Emitter::scalar(double number, torch::ScalarType dtype) {
  return constant(torch::scalar_tensor(number, torch::kDouble).to(dtype));
}

std::string Emitter::extents(const Shape& shape) {
  bool constant = true;
  for (const auto& extent : shape) constant = constant && extent.is_constant();
  if (constant) return integers(graph::shape_at(shape, 0));
  std::vector<std::string> parts;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (!shape[i].is_constant()) {
      parts.push_back(extent(shape[i]));
      continue;
    }
    std::vector<int64_t> run;
    for (; i < shape.size() && shape[i].is_constant(); ++i) run.push_back(shape[i].offset);
    --i;
    parts.push_back(integers(run));
  }
  return parts.size() == 1 ? parts[0] : add("Concat", parts, {{"axis", int64_t{0}}});
}

std::string Emitter::reshape(const std::string& tensor, const Shape& shape) {
  std::vector<int64_t> sizes;
  int64_t following = 0;
  for (const auto& extent : shape) {
    following += extent.is_constant() ? 0 : 1;
    sizes.push_back(extent.is_constant() ? extent.offset : -1);
  }
  return add("Reshape", {tensor, following > 1 ? extents(shape) : integers(sizes)});
}

void Emitter::refuse(const std::string& expected, const std::string& got) const {
  std::string where;
  if (node_ != nullptr) {
    where = node_->name();
    if (!node_->module.empty()) where += ", module " + node_->module;
  }
  throw DataError("onnx", "expected " + expected + ", got " + got, where,
                  "write the model with another operator");
}

}  // namespace braid::onnx
