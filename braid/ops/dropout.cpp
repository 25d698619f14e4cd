#include "braid/ops/dropout.h"

#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "braid/ops/numbers.h"
#include "braid/ops/operator_named.h"
#include "braid/ops/row_tasks.h"
#include "braid/ops/token_kernels_cpu.h"

namespace braid::ops {
namespace {

using torch::Tensor;

bool is_bfloat16(const Tensor& t) { return t.scalar_type() == at::kBFloat16; }

// For the dispatcher, which knows one size of whole numbers.
std::vector<int64_t> packed(const DropRule& rule) {
  return {rule.keys[0], rule.keys[1], rule.threshold};
}
DropRule unpacked(at::IntArrayRef numbers, double scale) {
  const auto word = [&](size_t i) { return static_cast<uint32_t>(numbers.at(i)); };
  return {{word(0), word(1)}, word(2), static_cast<float>(scale)};
}

Tensor drop(const Tensor& x, const std::optional<Tensor>& residual, at::IntArrayRef rule,
            double scale, at::ScalarType out) {
  Tensor y = at::empty(x.sizes(), x.options().dtype(out));
  const DropRule unpacked_rule = unpacked(rule, scale);
  const bool from_bfloat16 = is_bfloat16(x), to_bfloat16 = is_bfloat16(y);
  const auto* from = static_cast<const char*>(x.const_data_ptr());
  const auto* beside = residual ? static_cast<const char*>(residual->const_data_ptr()) : nullptr;
  auto* to = static_cast<char*>(y.mutable_data_ptr());
  constexpr int64_t kRow = 1024;  // numbers: rows are but a share of the work here
  const int64_t count = x.numel();
  const auto& kernels = token_kernels();
  over_row_blocks((count + kRow - 1) / kRow, kRow, 0, [&](int64_t row, int64_t rows, float*) {
    const int64_t first = row * kRow, last = std::min(count, first + rows * kRow);
    const int64_t written = first * bytes_of(to_bfloat16);
    kernels.dropout(beside ? beside + written : nullptr, from + first * bytes_of(from_bfloat16),
                    to + written,
                    {.first = first,
                     .count = last - first,
                     .x_bfloat16 = from_bfloat16,
                     .y_bfloat16 = to_bfloat16},
                    unpacked_rule);
  });
  return y;
}

// With the dispatcher, so that what watches operators sees it.
TORCH_LIBRARY_FRAGMENT(braid, library) {
  library.def(
      "dropout(Tensor x, Tensor? residual, int[] rule, float scale, ScalarType out) -> Tensor",
      drop);
}

struct FusedDropout : torch::autograd::Function<FusedDropout> {
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& x,
                        const std::optional<Tensor>& residual, const std::vector<int64_t>& rule,
                        double scale, at::ScalarType out) {
    static const auto op = operator_named<decltype(drop)>("braid::dropout");
    context->saved_data["rule"] = rule;
    context->saved_data["scale"] = scale;
    context->saved_data["residual"] = residual && residual->requires_grad();
    context->saved_data["type"] = x.scalar_type();
    const at::AutoDispatchBelowADInplaceOrView below;
    return op.call(x, residual, rule, scale, out);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const Tensor& dy = gradients[0];
    Tensor dx;
    if (context->needs_input_grad(0))
      dx = FusedDropout::apply(
          dy.contiguous(), where_defined({}), context->saved_data["rule"].toIntVector(),
          context->saved_data["scale"].toDouble(), context->saved_data["type"].toScalarType());
    return {dx, context->saved_data["residual"].toBool() ? dy : Tensor(), Tensor(), Tensor(),
            Tensor()};
  }
};

}  // namespace

DropRule draw_drop_rule(double rate) {
  const auto drawn = torch::randint(std::numeric_limits<int64_t>::max(), {1}, torch::kLong);
  const auto bits = static_cast<uint64_t>(drawn.item<int64_t>());
  constexpr double kHashes = 4294967296;  // 2^32
  return {{static_cast<uint32_t>(bits), static_cast<uint32_t>(bits >> 31)},
          static_cast<uint32_t>(std::llround(rate * kHashes)),
          static_cast<float>(1 / (1 - rate))};
}

bool keeps(const DropRule& rule, int64_t position) {
  return kept_at(static_cast<uint64_t>(position), rule);
}

bool can_drop(const Tensor& x, const Tensor& residual) {
  const auto is_known = [](const Tensor& t) {
    return t.is_cpu() && t.numel() > 0 && t.is_contiguous() &&
           (t.scalar_type() == at::kFloat || is_bfloat16(t));
  };
  return is_known(x) &&
         (!residual.defined() || (is_known(residual) && residual.sizes() == x.sizes()));
}

Tensor dropout(const Tensor& x, const DropRule& rule, const Tensor& residual) {
  return FusedDropout::apply(x, where_defined(residual), packed(rule),
                             static_cast<double>(rule.scale),
                             residual.defined() ? residual.scalar_type() : x.scalar_type());
}

}  // namespace braid::ops
