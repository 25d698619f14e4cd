#include "braid/ops/linear.h"

#include <torch/library.h>

#include "braid/core/cpu.h"
#include "braid/ops/first_derivative.h"
#include "braid/ops/operator_named.h"
#include "braid/ops/row_tasks.h"
#include "braid/ops/token_kernels_cpu.h"

namespace braid::ops {
namespace {

using torch::Tensor;

using PointwiseLinear = Tensor(const Tensor&, const Tensor&, const std::optional<Tensor>&,
                               c10::string_view, c10::List<std::optional<at::Scalar>>,
                               std::optional<c10::string_view>);
constexpr const char* kPointwiseLinear = "mkldnn::_linear_pointwise";  // oneDNN's, of LibTorch

bool has_pointwise_linear() {
  static const bool has =
      cpu_has_bf16_matrix() && at::globalContext().userEnabledMkldnn() &&
      c10::Dispatcher::singleton().findSchema({kPointwiseLinear, ""}).has_value();
  return has;
}

Tensor linear_forward(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  static const auto op = operator_named<PointwiseLinear>(kPointwiseLinear);
  return op.call(x, weight, bias.to(x.scalar_type()), "none",
                 c10::List<std::optional<at::Scalar>>(), "");
}

// Gradients of x, weight and bias, those that are needed.
std::tuple<Tensor, Tensor, Tensor> linear_backward(const Tensor& dy, const Tensor& x,
                                                   const Tensor& weight, bool x_needs_it,
                                                   bool weight_needs_it, bool bias_needs_it) {
  const int64_t out = weight.size(0), in = weight.size(1);
  const Tensor rows = dy.view({-1, out});
  Tensor dx, dweight, dbias;
  if (x_needs_it) dx = at::mm(rows, weight).view(x.sizes());
  if (weight_needs_it) dweight = at::mm(rows.t(), x.view({-1, in}));
  if (bias_needs_it) {
    const auto* from = static_cast<const char*>(dy.const_data_ptr());
    const int64_t row_bytes = out * dy.element_size();
    const auto sums =
        over_row_blocks(rows.size(0), out, out, [&](int64_t first, int64_t count, float* of_block) {
          token_kernels().column_sums(from + first * row_bytes, count, out,
                                      dy.scalar_type() == at::kBFloat16, of_block);
        });
    dbias = totals_of(sums, 0, out);
  }
  return {dx, dweight, dbias};
}

// With the dispatcher, so that what watches operators sees them.
TORCH_LIBRARY_FRAGMENT(braid, library) {
  library.def("linear(Tensor x, Tensor weight, Tensor bias) -> Tensor", linear_forward);
  library.def(
      "linear_backward(Tensor dy, Tensor x, Tensor weight, bool x_needs_it, bool "
      "weight_needs_it, bool bias_needs_it) -> (Tensor, Tensor, Tensor)",
      linear_backward);
}

struct FusedLinear : torch::autograd::Function<FusedLinear> {
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& x,
                        const Tensor& weight, const Tensor& bias) {
    static const auto op = operator_named<decltype(linear_forward)>("braid::linear");
    context->save_for_backward({x, weight});
    const at::AutoDispatchBelowADInplaceOrView below;
    return op.call(x, weight, bias);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    check_first_derivative("product with a bias", "composed_linear");
    static const auto op = operator_named<decltype(linear_backward)>("braid::linear_backward");
    const auto saved = context->get_saved_variables();
    const Tensor dy = gradients[0].to(saved[0].scalar_type()).contiguous();
    const at::AutoDispatchBelowADInplaceOrView below;
    auto [dx, dweight, dbias] = op.call(dy, saved[0], saved[1], context->needs_input_grad(0),
                                        context->needs_input_grad(1), context->needs_input_grad(2));
    return {dx, dweight, dbias};
  }
};

}  // namespace

bool is_linear_fused(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const auto is_factor = [](const Tensor& t) {
    return t.is_cpu() && t.scalar_type() == at::kBFloat16 && t.is_contiguous() && t.numel() > 0;
  };
  return is_factor(x) && x.dim() > 1 && is_factor(weight) && weight.dim() == 2 &&
         x.size(-1) == weight.size(1) && bias.defined() && bias.is_cpu() && bias.dim() == 1 &&
         bias.scalar_type() == at::kFloat && bias.numel() == weight.size(0) &&
         has_pointwise_linear();
}

Tensor composed_linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return at::linear(x, weight, bias.defined() ? bias.to(x.scalar_type()) : bias);
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return is_linear_fused(x, weight, bias) ? FusedLinear::apply(x, weight, bias)
                                          : composed_linear(x, weight, bias);
}

}  // namespace braid::ops
