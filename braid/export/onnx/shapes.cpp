#include <limits>
#include <numeric>

#include "braid/export/onnx/emitter.h"

namespace braid::onnx {
namespace {

void reshape(Emitter& e, const Node& node) {
  const ValueId output = node.outputs.at(0);
  e.set(output, e.reshape(e.name(node.value("self")), e.shape_of(output)));
}

void permute(Emitter& e, const Node& node) {
  auto dims = node.integers("dims");
  for (auto& dim : dims) dim += dim < 0 ? e.rank_of(node.value("self")) : 0;
  e.emit(node, "Transpose", {e.name(node.value("self"))}, {{"perm", dims}});
}

void expand(Emitter& e, const Node& node) {
  e.emit(node, "Expand", {e.name(node.value("self")), e.extents(e.shape_of(node.outputs.at(0)))});
}

std::string sliced(Emitter& e, const std::string& x, int64_t dim, int64_t start, int64_t end,
                   int64_t step = 1) {
  return e.add("Slice",
               {x, e.integers({start}), e.integers({end}), e.integers({dim}), e.integers({step})});
}

void slice(Emitter& e, const Node& node) {
  const auto bound = [&](const char* name, int64_t otherwise) {
    return node.is_none(name) ? e.integers({otherwise}) : e.extents(node.argument(name).ints);
  };
  e.emit(node, "Slice",
         {e.name(node.value("self")), bound("start", 0),
          bound("end", std::numeric_limits<int64_t>::max()), e.integers({node.integer("dim")}),
          e.integers({node.integer("step")})});
}

void flip(Emitter& e, const Node& node) {
  auto x = e.name(node.value("self"));
  constexpr auto before_first = std::numeric_limits<int64_t>::min();
  for (const int64_t dim : node.integers("dims")) x = sliced(e, x, dim, -1, before_first, -1);
  e.set(node.outputs.at(0), x);
}

// The last `shift` places go to the front.
std::string rolled(Emitter& e, const std::string& x, int64_t dim, int64_t shift, int64_t size) {
  const int64_t cut = size - ((shift % size) + size) % size;
  if (cut == size) return x;
  const auto tail = sliced(e, x, dim, cut, std::numeric_limits<int64_t>::max());
  const auto head = sliced(e, x, dim, 0, cut);
  return e.add("Concat", {tail, head}, {{"axis", dim}});
}

void roll(Emitter& e, const Node& node) {
  const auto shifts = node.integers("shifts"), dims = node.integers("dims");
  if (dims.empty()) e.refuse("roll along dimensions", "roll of everything");
  auto x = e.name(node.value("self"));
  for (size_t i = 0; i < dims.size(); ++i)
    x = rolled(e, x, dims[i], shifts.at(i), e.size_of(node.value("self"), dims[i]));
  e.set(node.outputs.at(0), x);
}

// LibTorch pads from the last dimension on, ONNX lists all begins, then all ends.
Shape onnx_pads(const Shape& pads, int64_t rank) {
  Shape all(2 * static_cast<size_t>(rank));
  for (size_t i = 0; i + 1 < pads.size(); i += 2) {
    const size_t dim = static_cast<size_t>(rank) - 1 - i / 2;
    all.at(dim) = pads[i];
    all.at(dim + static_cast<size_t>(rank)) = pads[i + 1];
  }
  return all;
}

void pad(Emitter& e, const Node& node, const std::string& mode, double value) {
  const ValueId input = node.value("self");
  const auto& pads = node.argument(node.has("pad") ? "pad" : "padding").ints;
  std::vector<std::string> inputs = {e.name(input), e.extents(onnx_pads(pads, e.rank_of(input)))};
  if (mode == "constant") inputs.push_back(e.scalar(value, e.dtype_of(input)));
  e.emit(node, "Pad", inputs, {{"mode", mode}});
}
void constant_pad(Emitter& e, const Node& node) { pad(e, node, "constant", node.number("value")); }
void reflection_pad(Emitter& e, const Node& node) { pad(e, node, "reflect", 0); }
void replication_pad(Emitter& e, const Node& node) { pad(e, node, "edge", 0); }
void pad_by_mode(Emitter& e, const Node& node) {
  const auto& mode = node.argument("mode").other.toStringRef();
  const double value = node.is_none("value") ? 0 : node.number("value");
  if (mode == "circular") e.refuse("padding by a constant, reflected or replicated", mode);
  pad(e, node, mode == "replicate" ? "edge" : mode, value);
}

void repeat(Emitter& e, const Node& node) {
  const ValueId input = node.value("self");
  const auto& repeats = node.argument("repeats").ints;
  auto x = e.name(input);
  if (static_cast<int64_t>(repeats.size()) > e.rank_of(input)) {
    Shape longer(repeats.size() - e.shape_of(input).size(), {0, 1});
    longer.insert(longer.end(), e.shape_of(input).begin(), e.shape_of(input).end());
    x = e.reshape(x, longer);
  }
  e.emit(node, "Tile", {x, e.extents(repeats)});
}

void copy(Emitter& e, const Node& node) { e.emit(node, "Identity", {e.name(node.value("self"))}); }

// A new tensor of one number, of a shape that follows the input.
void filled(Emitter& e, const Node& node, double number) {
  const ValueId output = node.outputs.at(0);
  e.emit(node, "Expand", {e.scalar(number, e.dtype_of(output)), e.extents(e.shape_of(output))});
}
void zeros(Emitter& e, const Node& node) { filled(e, node, 0); }
void ones(Emitter& e, const Node& node) { filled(e, node, 1); }
void full(Emitter& e, const Node& node) { filled(e, node, node.number("fill_value")); }

}  // namespace

void add_shapes(EmitTable& table) {
  table.insert({{"aten::clone", copy},
                {"aten::constant_pad_nd", constant_pad},
                {"aten::expand", expand},
                {"aten::expand_as", expand},
                {"aten::flip", flip},
                {"aten::full", full},
                {"aten::new_zeros", zeros},
                {"aten::ones", ones},
                {"aten::ones_like", ones},
                {"aten::pad", pad_by_mode},
                {"aten::permute", permute},
                {"aten::reflection_pad2d", reflection_pad},
                {"aten::repeat", repeat},
                {"aten::replication_pad2d", replication_pad},
                {"aten::reshape", reshape},
                {"aten::roll", roll},
                {"aten::slice", slice},
                {"aten::zeros", zeros},
                {"aten::zeros_like", zeros}});
}

}  // namespace braid::onnx
