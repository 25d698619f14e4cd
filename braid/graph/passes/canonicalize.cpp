#include <algorithm>
#include <array>
#include <numeric>
#include <optional>

#include "braid/graph/passes/passes.h"
#include "braid/graph/passes/rewrite.h"

namespace braid::graph {
namespace {

template <size_t N>
bool is_one_of(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

constexpr std::array<std::string_view, 9> kReshapes = {
    "aten::view",    "aten::_unsafe_view", "aten::flatten", "aten::unflatten", "aten::squeeze",
    "aten::reshape", "aten::unsqueeze",    "aten::view_as", "aten::reshape_as"};
constexpr std::array<std::string_view, 3> kSwaps = {"aten::transpose", "aten::swapaxes",
                                                    "aten::swapdims"};

// The operator that computes the same without writing into its input, where there is one.
std::optional<c10::OperatorHandle> functional_form(const c10::OperatorHandle& op) {
  auto name = op.operator_name();
  if (!name.name.ends_with('_') || name.name.ends_with("__")) return std::nullopt;
  name.name.pop_back();
  auto found = c10::Dispatcher::singleton().findSchema(name);
  if (!found || found->schema().arguments().size() != op.schema().arguments().size())
    return std::nullopt;
  return found;
}

std::vector<int64_t> swapped(int64_t rank, int64_t a, int64_t b) {
  std::vector<int64_t> dims(static_cast<size_t>(rank));
  std::iota(dims.begin(), dims.end(), 0);
  std::swap(dims.at(static_cast<size_t>(a < 0 ? a + rank : a)),
            dims.at(static_cast<size_t>(b < 0 ? b + rank : b)));
  return dims;
}

// size: of the dimension.
Node sliced(const Node& node, const Extent& size) {
  const int64_t dim = node.integer("dim");
  auto start = node.argument("start").ints.at(0);
  if (start.is_constant() && start.offset < 0) start = start + size;
  const auto& length = node.argument("length").ints.at(0);
  return {.op = find_operator("aten::slice", "Tensor"),
          .arguments = {value_argument(node.value("self")), int_argument(dim), int_argument(start),
                        int_argument(start + length), int_argument(1)},
          .outputs = node.outputs,
          .module = node.module};
}

void canonicalize(const Graph& graph, Node& node) {
  if (const auto functional = functional_form(node.op)) node.op = *functional;
  const auto rank = [&] { return static_cast<int64_t>(graph.at(node.value("self")).shape.size()); };
  if (is_one_of(node.name(), kReshapes)) {
    // view(dtype) reads the same bytes as other numbers.
    if (node.op.operator_name().overload_name == "dtype") return;
    node = make_reshape(node.value("self"), graph.at(node.outputs[0]).shape, node.outputs[0],
                        node.module);
  } else if (node.name() == "aten::t") {
    if (rank() == 2) node = make_permute(node.value("self"), {1, 0}, node.outputs[0], node.module);
  } else if (is_one_of(node.name(), kSwaps)) {
    const auto first = node.argument(node.op.schema().arguments()[1].name()).ints.at(0).offset;
    const auto second = node.argument(node.op.schema().arguments()[2].name()).ints.at(0).offset;
    node = make_permute(node.value("self"), swapped(rank(), first, second), node.outputs[0],
                        node.module);
  } else if (node.name() == "aten::narrow") {
    const auto& shape = graph.at(node.value("self")).shape;
    const int64_t dim = node.integer("dim");
    if (node.argument("start").kind == Argument::Kind::kInt)
      node = sliced(node, shape.at(static_cast<size_t>(dim < 0 ? dim + rank() : dim)));
  }
}

}  // namespace

void canonicalize(Graph& graph) {
  for (auto& node : graph.nodes) canonicalize(graph, node);
}

}  // namespace braid::graph
