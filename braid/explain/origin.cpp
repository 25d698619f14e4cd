#include "braid/explain/origin.h"

#include <cmath>
#include <limits>

namespace braid::explain {
namespace {

using graph::ValueId;
using torch::Tensor;

Tensor mask_of(const Tensor& mask, const Tensor& scores) {
  if (mask.scalar_type() != torch::kBool) return scores + mask.to(scores.scalar_type());
  return scores.masked_fill(mask.logical_not(), -std::numeric_limits<double>::infinity());
}

}  // namespace

Tensor attention_weights(const graph::Node& node, const std::vector<Tensor>& values) {
  const auto at = [&](const char* argument) {
    const ValueId id = node.value(argument);
    return id == graph::kNoValue ? Tensor() : values.at(static_cast<size_t>(id)).detach();
  };
  if (node.name() != "aten::scaled_dot_product_attention") {
    const auto weights =
        at("self").to(torch::kFloat).abs();  // heads may be mixed after the softmax
    return weights / weights.sum(-1, true).clamp_min(1e-12);
  }
  const auto q = at("query").to(torch::kFloat), k = at("key").to(torch::kFloat);
  const double scale =
      node.is_none("scale") ? 1 / std::sqrt(static_cast<double>(q.size(-1))) : node.number("scale");
  auto scores = (q * scale).matmul(k.transpose(-2, -1));  // [B,h,N,M]
  if (const auto mask = at("attn_mask"); mask.defined()) scores = mask_of(mask, scores);
  if (node.flag("is_causal"))
    scores =
        mask_of(torch::ones({q.size(-2), k.size(-2)}, torch::kBool).tril().to(q.device()), scores);
  return scores.softmax(-1).nan_to_num(0);
}

}  // namespace braid::explain
