// Products, attention and reductions: origins are mixed.
#include <algorithm>
#include <functional>

#include "braid/explain/origin_rules.h"

namespace braid::explain {
namespace {

using graph::ValueId;
using torch::Tensor;
using Sizes = std::vector<int64_t>;

int64_t last_dim(const Origin& origin) { return origin.dim() - 2; }  // of the value

// Over the last dimension: a linear layer mixes channels.
void linear_rule(const OriginStep& step) {
  const auto& origin = step.of(step.node.has("input")  ? "input"
                               : step.node.has("mat1") ? "mat1"
                                                       : "self");
  if (origin.defined()) step.give(mean_along(origin, last_dim(origin)));
}

// weights: [B,h,N,M] (rows sum to 1) or of fewer dimensions; origin: [G,B,h,M,d] -> [G,B,h,N,d].
// Heads are averaged unless the values' origins differ from head to head.
Origin mixed(const Tensor& weights, const Origin& values) {
  const int64_t rank = weights.dim();
  const auto origin = with_rank(values, static_cast<size_t>(rank));
  auto w = weights;
  for (int64_t d = 0; d < rank - 2; ++d)
    if (origin.size(d + 1) == 1 && w.size(d) > 1 && d > 0) w = w.mean(d, true);
  // The measures are columns beside d, so that one product does.
  Sizes order;
  for (int64_t d = 1; d < origin.dim() - 1; ++d) order.push_back(d);
  order.push_back(0);
  order.push_back(origin.dim() - 1);
  const auto columns = origin.permute(order).flatten(-2);  // [B,h,M,G*d]
  auto mix = w.matmul(columns).unflatten(-1, {origin.size(0), origin.size(-1)});
  Sizes back = {mix.dim() - 2};
  for (int64_t d = 0; d < mix.dim() - 2; ++d) back.push_back(d);
  back.push_back(mix.dim() - 1);
  return mix.permute(back);
}

// Origins of the tokens of [B,h,N,d]: [G,B,h,N].
Origin of_tokens(const Origin& origin) { return origin.defined() ? origin.mean(-1) : origin; }

// Values that do not vary along the keys, as in attention among channels, stay what they are.
void attend(const OriginStep& step, const Origin& queries, const Origin& values, int64_t keys,
            const std::function<Tensor()>& weights) {
  const bool constant = values.defined() && values.size(-2) == 1 && keys > 1;
  if (constant && (values.size(-1) > 1 || !step.is_place())) return step.give(values);
  if (step.is_place()) {
    if (queries.defined()) step.give(mean_along(queries, last_dim(queries)));
    return;
  }
  if (values.defined()) step.give(mixed(weights(), values));
}

void attention_rule(const OriginStep& step) {
  const auto &q = step.of("query"), &k = step.of("key"), &v = step.of("value");
  const auto keys = step.shape("key");
  step.add_attention(of_tokens(q), of_tokens(k));
  attend(step, q, v, keys.at(keys.size() - 2),
         [&] { return attention_weights(step.node, step.values); });
}

// Both operands follow the image: scores of queries and keys, values under weights, or else.
void product_of_both(const OriginStep& step, ValueId a, ValueId b) {
  const auto &left = step.of(a), &right = step.of(b);
  const auto shape = step.shape(a);
  const auto last = static_cast<int64_t>(shape.size()) - 1;
  if (step.normalized(a) == last) {
    step.add_attention_of(a);
    const auto shape_b = step.shape(b);
    // Of weights the rows lie where their queries do.
    attend(step, mean_along(left, last_dim(left)), right, shape_b.at(shape_b.size() - 2),
           [&] { return attention_weights(step.node, step.values); });
    return;
  }
  step.add_scores(of_tokens(left), of_tokens(right.transpose(-2, -1)));
  step.give(step.is_place() ? mean_along(left, last_dim(left))
                            : mean_along(right, last_dim(right) - 1));
}

void matmul_rule(const OriginStep& step) {
  const ValueId a = step.node.value("self"),
                b = step.node.value(step.node.has("other") ? "other" : "mat2");
  const auto rank = step.output_shape().size();
  const auto &left = step.of(a), &right = step.of(b);
  if (step.shape(a).size() < 2 || step.shape(b).size() < 2) return;
  if (left.defined() && right.defined()) return product_of_both(step, a, b);
  if (left.defined()) step.give(with_rank(mean_along(left, last_dim(left)), rank));
  if (right.defined()) step.give(with_rank(mean_along(right, last_dim(right) - 1), rank));
}

// mean, sum, max and norms over some dimensions, or all.
void reduction_rule(const OriginStep& step) {
  auto origin = step.of("self");
  if (!origin.defined()) return;
  const auto rank = step.shape("self").size();
  Sizes dims;
  if (step.node.has("dim")) {
    const auto& argument = step.node.argument("dim");
    if (argument.kind != graph::Argument::Kind::kOther) dims = step.integers("dim");
  }
  if (dims.empty())
    for (size_t d = 0; d < rank; ++d) dims.push_back(static_cast<int64_t>(d));
  for (auto& dim : dims) dim = from_front(dim, rank);
  std::sort(dims.begin(), dims.end(), std::greater<>());
  for (const int64_t dim : dims) origin = mean_along(origin, dim);
  const bool keep = step.node.has("keepdim") && step.node.flag("keepdim");
  if (!keep)
    for (const int64_t dim : dims) origin = origin.squeeze(dim + 1);
  for (size_t k = 0; k < step.node.outputs.size(); ++k) step.give(origin, k);
}

}  // namespace

const OriginRules& mixing_rules() {
  static const OriginRules rules = {
      {"aten::linear", linear_rule},       {"aten::addmm", linear_rule},
      {"aten::matmul", matmul_rule},       {"aten::mm", matmul_rule},
      {"aten::bmm", matmul_rule},          {"aten::scaled_dot_product_attention", attention_rule},
      {"aten::mean", reduction_rule},      {"aten::sum", reduction_rule},
      {"aten::amax", reduction_rule},      {"aten::amin", reduction_rule},
      {"aten::norm", reduction_rule},      {"aten::linalg_vector_norm", reduction_rule},
      {"aten::logsumexp", reduction_rule}, {"aten::var", reduction_rule},
      {"aten::std", reduction_rule}};
  return rules;
}

}  // namespace braid::explain
