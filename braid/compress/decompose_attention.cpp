#include "braid/compress/decompose_attention.h"

#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "braid/compress/layer.h"
#include "braid/graph/passes/rewrite.h"

namespace braid::compress {
namespace {

using graph::Shape;

constexpr float kHidden = -std::numeric_limits<float>::infinity();

ValueId add_value(Graph& graph, torch::ScalarType dtype, const Shape& shape) {
  graph.values.push_back({.dtype = dtype, .shape = shape, .constant = {}, .name = ""});
  return static_cast<ValueId>(graph.values.size()) - 1;
}

bool can_decompose(const Graph& graph, const Node& node) {
  if (node.name() != "aten::scaled_dot_product_attention" || node.number("dropout_p") != 0)
    return false;
  if (node.has("enable_gqa") && node.flag("enable_gqa")) return false;
  const auto& query = graph.at(node.value("query")).shape;
  const auto& key = graph.at(node.value("key")).shape;
  if (key.size() < 3 || !key.back().is_constant()) return false;
  const auto &queries = query[query.size() - 2], &keys = key[key.size() - 2];
  // A word that reads what was kept of others: rounding all of that for each word costs more than
  // its products do.
  if (queries == graph::Extent{.offset = 1} && !keys.is_constant()) return false;
  return !node.flag("is_causal") || (queries.is_constant() && keys.is_constant());
}

// The constant that is added to the scores; undefined: none.
torch::Tensor bias_of(const Graph& graph, const Node& node) {
  if (node.flag("is_causal")) {
    const auto size = [&](const char* operand) {
      const auto& shape = graph.at(node.value(operand)).shape;
      return shape[shape.size() - 2].offset;
    };
    const int64_t queries = size("query"), keys = size("key");
    const auto hidden = torch::ones({queries, keys}, torch::kBool).triu(1);
    return torch::zeros({queries, keys}).masked_fill(hidden, kHidden);
  }
  const ValueId mask = node.value("attn_mask");
  if (!graph.is_constant(mask)) return {};
  const auto& given = graph.at(mask).constant;
  if (given.scalar_type() != torch::kBool) return given.detach();
  return torch::zeros(given.sizes()).masked_fill(given.logical_not(), kHidden);
}

class Decomposition {
 public:
  Decomposition(Graph& graph, const Node& node, std::vector<Node>& nodes)
      : graph_(graph), node_(node), nodes_(nodes), dtype_(graph.at(node.outputs.at(0)).dtype) {}

  void run() {
    const ValueId q = node_.value("query"), k = node_.value("key"), v = node_.value("value");
    const Shape query = graph_.at(q).shape, key = graph_.at(k).shape;
    const size_t last = key.size() - 1;
    Shape transposed = key, scores = query;
    std::swap(transposed[last], transposed[last - 1]);
    scores.back() = key[last - 1];
    std::vector<int64_t> swapped(key.size());
    std::iota(swapped.begin(), swapped.end(), 0);
    std::swap(swapped[last], swapped[last - 1]);

    const ValueId keys = value(transposed);
    nodes_.push_back(graph::make_permute(k, swapped, keys, node_.module));
    ValueId x = add("aten::matmul", "", {graph::value_argument(q), graph::value_argument(keys)},
                    value(scores));
    const double scale = node_.is_none("scale")
                             ? 1 / std::sqrt(static_cast<double>(key.back().offset))
                             : node_.number("scale");
    x = add("aten::mul", "Scalar", {graph::value_argument(x), graph::other_argument(scale)},
            value(scores));
    x = masked(x, scores);
    x = add("aten::softmax", "int",
            {graph::value_argument(x), graph::int_argument(-1), graph::other_argument({})},
            value(scores));
    add("aten::matmul", "", {graph::value_argument(x), graph::value_argument(v)},
        node_.outputs.at(0));
  }

 private:
  ValueId masked(ValueId x, const Shape& scores) {
    ValueId added = node_.value("attn_mask");
    if (const auto bias = bias_of(graph_, node_); bias.defined())
      added = graph_.add_constant(bias.to(dtype_).contiguous());
    if (added == graph::kNoValue) return x;
    if (graph_.at(added).dtype == torch::kBool)
      return add("aten::where", "ScalarOther",
                 {graph::value_argument(added), graph::value_argument(x),
                  graph::other_argument(static_cast<double>(kHidden))},
                 value(scores));
    return add("aten::add", "Tensor",
               {graph::value_argument(x), graph::value_argument(added), graph::int_argument(1)},
               value(scores));
  }

  ValueId value(const Shape& shape) { return add_value(graph_, dtype_, shape); }
  ValueId add(const char* name, const char* overload, std::vector<graph::Argument> arguments,
              ValueId output) {
    nodes_.push_back({.op = graph::find_operator(name, overload),
                      .arguments = std::move(arguments),
                      .outputs = {output},
                      .module = node_.module});
    return output;
  }

  Graph& graph_;
  const Node& node_;
  std::vector<Node>& nodes_;
  torch::ScalarType dtype_;
};

}  // namespace

void decompose_attention(Graph& graph) {
  const auto before = std::move(graph.nodes);
  graph.nodes.clear();
  for (const auto& node : before) {
    if (can_decompose(graph, node))
      Decomposition(graph, node, graph.nodes).run();
    else
      graph.nodes.push_back(node);
  }
}

}  // namespace braid::compress
