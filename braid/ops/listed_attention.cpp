#include "braid/ops/listed_attention.h"

#include <ATen/Parallel.h>
#include <torch/library.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "braid/ops/operator_named.h"
#include "braid/ops/token_kernels_cpu.h"

namespace braid::ops {
namespace {

using torch::Tensor;

constexpr int64_t kTaskKeys = 16384;  // of keys and values; not worth a thread below

// The visible ones of a list.
void seen_places(const int64_t* places, const bool* visible, int64_t count,
                 std::vector<int64_t>& seen) {
  seen.clear();
  for (int64_t i = 0; i < count; ++i)
    if (visible == nullptr || visible[i]) seen.push_back(places[i]);
}

Tensor listed_attention_forward(const Tensor& q, const Tensor& keys, const Tensor& values,
                                const Tensor& places, const std::optional<Tensor>& visible,
                                int64_t heads, double scale) {
  const int64_t queries = q.size(0), lists = places.size(0), M = places.size(1);
  const int64_t each = queries / lists;
  Tensor y = at::empty({queries, values.size(1)}, q.options());
  const ListedShape shape{.heads = heads,
                          .key_dim = keys.size(1) / heads,
                          .value_dim = values.size(1) / heads,
                          .keys = M,
                          .scale = static_cast<float>(scale),
                          .bfloat16 = q.scalar_type() == at::kBFloat16};
  const auto* queries_at = static_cast<const char*>(q.const_data_ptr());
  auto* y_at = static_cast<char*>(y.mutable_data_ptr());
  const int64_t list_step = places.stride(0), mask_step = visible ? visible->stride(0) : 0;
  const int64_t query_bytes = q.size(1) * q.element_size();
  const int64_t y_bytes = y.size(1) * y.element_size();
  const auto* numbers = places.const_data_ptr<int64_t>();
  const bool* mask = visible ? visible->const_data_ptr<bool>() : nullptr;
  const auto& kernels = token_kernels();
  const int64_t of_query = std::max<int64_t>(1, M * (keys.size(1) + values.size(1)));
  at::parallel_for(0, queries, std::max<int64_t>(1, kTaskKeys / of_query),
                   [&](int64_t first, int64_t last) {
                     std::vector<float> scores(static_cast<size_t>(heads * padded_keys(M)));
                     std::vector<int64_t> seen;
                     int64_t list = -1;
                     for (int64_t i = first; i < last; ++i) {
                       if (i / each != list) {
                         list = i / each;
                         seen_places(numbers + list * list_step,
                                     mask ? mask + list * mask_step : nullptr, M, seen);
                       }
                       if (seen.empty()) {
                         std::memset(y_at + i * y_bytes, 0, static_cast<size_t>(y_bytes));
                         continue;
                       }
                       auto own = shape;
                       own.keys = static_cast<int64_t>(seen.size());
                       kernels.listed_attention(own, queries_at + i * query_bytes,
                                                keys.const_data_ptr(), values.const_data_ptr(),
                                                seen.data(), y_at + i * y_bytes, scores.data());
                     }
                   });
  return y;
}

// With the dispatcher, so that what watches operators sees them.
TORCH_LIBRARY_FRAGMENT(braid, library) {
  library.def(
      "listed_attention(Tensor q, Tensor keys, Tensor values, Tensor places, Tensor? visible, int "
      "heads, float scale) -> Tensor",
      listed_attention_forward);
}

}  // namespace

bool is_listed_attention_fused(const Tensor& q, const ListedKeys& listed, int64_t heads) {
  const auto type = q.scalar_type();
  const auto is_rows = [&](const Tensor& t) {
    return t.is_cpu() && t.scalar_type() == type && t.dim() == 2 && t.is_contiguous() &&
           t.size(1) % heads == 0;
  };
  const auto is_list = [&](const Tensor& t, at::ScalarType of) {
    return t.is_cpu() && t.scalar_type() == of && t.dim() == 2 && t.stride(1) == 1 &&
           t.sizes() == listed.places.sizes();
  };
  return !at::GradMode::is_enabled() && (type == at::kFloat || type == at::kBFloat16) &&
         heads > 0 && is_rows(q) && is_rows(listed.keys) && is_rows(listed.values) &&
         q.size(1) == listed.keys.size(1) && listed.keys.size(0) == listed.values.size(0) &&
         is_list(listed.places, at::kLong) && listed.places.numel() > 0 && q.size(0) > 0 &&
         q.size(0) % listed.places.size(0) == 0 &&
         (!listed.visible.defined() || is_list(listed.visible, at::kBool));
}

Tensor composed_listed_attention(const Tensor& q, const ListedKeys& listed, int64_t heads,
                                 double scale) {
  const int64_t lists = listed.places.size(0), M = listed.places.size(1);
  const auto of_lists = [&](const Tensor& rows) {
    return rows.index_select(0, listed.places.reshape(-1))
        .view({lists, M, heads, -1})
        .transpose(1, 2);
  };
  const auto queries = q.view({lists, -1, heads, q.size(1) / heads}).transpose(1, 2);
  auto scores = at::matmul(queries * scale, of_lists(listed.keys).transpose(2, 3));
  Tensor weights;
  if (listed.visible.defined()) {
    const auto hidden = listed.visible.logical_not().view({lists, 1, 1, M});
    weights = scores.masked_fill(hidden, -INFINITY).softmax(-1).masked_fill(hidden, 0);
  } else {
    weights = scores.softmax(-1);
  }
  return at::matmul(weights, of_lists(listed.values))
      .transpose(1, 2)
      .reshape({q.size(0), listed.values.size(1)});
}

Tensor listed_attention(const Tensor& q, const ListedKeys& listed, int64_t heads, double scale) {
  if (!is_listed_attention_fused(q, listed, heads))
    return composed_listed_attention(q, listed, heads, scale);
  static const auto op =
      operator_named<decltype(listed_attention_forward)>("braid::listed_attention");
  const at::AutoDispatchBelowADInplaceOrView below;
  return op.call(q, listed.keys, listed.values, listed.places, where_defined(listed.visible), heads,
                 scale);
}

}  // namespace braid::ops
