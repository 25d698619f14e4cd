#include "braid/export/onnx/emitter.h"

namespace braid::onnx {
namespace {

// x -> OP(x), of the same meaning in both, of a value in the result's type.
const std::map<std::string, const char*>& unary_operators() {
  static const std::map<std::string, const char*> names = {{"aten::abs", "Abs"},
                                                           {"aten::ceil", "Ceil"},
                                                           {"aten::cos", "Cos"},
                                                           {"aten::erf", "Erf"},
                                                           {"aten::exp", "Exp"},
                                                           {"aten::floor", "Floor"},
                                                           {"aten::hardswish", "HardSwish"},
                                                           {"aten::log", "Log"},
                                                           {"aten::logical_not", "Not"},
                                                           {"aten::mish", "Mish"},
                                                           {"aten::neg", "Neg"},
                                                           {"aten::reciprocal", "Reciprocal"},
                                                           {"aten::relu", "Relu"},
                                                           {"aten::round", "Round"},
                                                           {"aten::sigmoid", "Sigmoid"},
                                                           {"aten::sin", "Sin"},
                                                           {"aten::sqrt", "Sqrt"},
                                                           {"aten::tanh", "Tanh"}};
  return names;
}
void unary(Emitter& e, const Node& node) {
  e.emit(node, unary_operators().at(node.name()),
         {e.name_as(node.value("self"), e.dtype_of(node.outputs.at(0)))});
}

std::string self(Emitter& e, const Node& node) { return e.name(node.value("self")); }

void silu(Emitter& e, const Node& node) {
  const auto x = self(e, node);
  e.emit(node, "Mul", {x, e.add("Sigmoid", {x})});
}

void gelu(Emitter& e, const Node& node) {
  e.emit(node, "Gelu", {self(e, node)},
         {{"approximate", node.argument("approximate").other.toStringRef()}});
}

void hard_sigmoid(Emitter& e, const Node& node) {
  e.emit(node, "HardSigmoid", {self(e, node)}, {{"alpha", 1.0f / 6}, {"beta", 0.5f}});
}

void square(Emitter& e, const Node& node) {
  const auto x = self(e, node);
  e.emit(node, "Mul", {x, x});
}

void inverse_root(Emitter& e, const Node& node) {
  e.emit(node, "Reciprocal", {e.add("Sqrt", {self(e, node)})});
}

void leaky_relu(Emitter& e, const Node& node) {
  e.emit(node, "LeakyRelu", {self(e, node)},
         {{"alpha", static_cast<float>(node.number("negative_slope"))}});
}

void elu(Emitter& e, const Node& node) {
  if (node.number("scale") != 1 || node.number("input_scale") != 1)
    e.refuse("elu without scales", "one with them");
  e.emit(node, "Elu", {self(e, node)}, {{"alpha", static_cast<float>(node.number("alpha"))}});
}

void softplus(Emitter& e, const Node& node) {
  if (node.number("beta") != 1) e.refuse("softplus with beta 1", "another");
  e.emit(node, "Softplus", {self(e, node)});
}

// Each bound may be none.
void clip(Emitter& e, const Node& node, const char* low, const char* high) {
  const auto dtype = e.dtype_of(node.value("self"));
  const auto bound = [&](const char* name) {
    if (name == nullptr || node.is_none(name)) return std::string();
    const auto& argument = node.argument(name);
    return argument.kind == graph::Argument::Kind::kValue ? e.name_as(argument.values.at(0), dtype)
                                                          : e.scalar(node.number(name), dtype);
  };
  e.emit(node, "Clip", {self(e, node), bound(low), bound(high)});
}
void clamp(Emitter& e, const Node& node) { clip(e, node, "min", "max"); }
void clamp_min(Emitter& e, const Node& node) { clip(e, node, "min", nullptr); }
void clamp_max(Emitter& e, const Node& node) { clip(e, node, nullptr, "max"); }
void hardtanh(Emitter& e, const Node& node) { clip(e, node, "min_val", "max_val"); }
void relu6(Emitter& e, const Node& node) {
  e.emit(node, "Clip", {self(e, node), e.scalar(0), e.scalar(6)});
}

void softmax(Emitter& e, const Node& node) {
  e.emit(node, "Softmax", {self(e, node)}, {{"axis", node.integer("dim")}});
}
void log_softmax(Emitter& e, const Node& node) {
  e.emit(node, "LogSoftmax", {self(e, node)}, {{"axis", node.integer("dim")}});
}

void glu(Emitter& e, const Node& node) {
  const auto halves = e.add_many("Split", {self(e, node)}, 2,
                                 {{"axis", node.integer("dim")}, {"num_outputs", int64_t{2}}});
  e.emit(node, "Mul", {halves[0], e.add("Sigmoid", {halves[1]})});
}

}  // namespace

void add_activations(EmitTable& table) {
  for (const auto& item : unary_operators()) table[item.first] = unary;
  table.insert({{"aten::clamp", clamp},
                {"aten::clamp_max", clamp_max},
                {"aten::clamp_min", clamp_min},
                {"aten::elu", elu},
                {"aten::gelu", gelu},
                {"aten::glu", glu},
                {"aten::hardsigmoid", hard_sigmoid},
                {"aten::hardtanh", hardtanh},
                {"aten::leaky_relu", leaky_relu},
                {"aten::log_softmax", log_softmax},
                {"aten::relu6", relu6},
                {"aten::rsqrt", inverse_root},
                {"aten::silu", silu},
                {"aten::softmax", softmax},
                {"aten::softplus", softplus},
                {"aten::square", square}});
}

}  // namespace braid::onnx
