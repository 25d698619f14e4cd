#include "braid/ops/bias_gelu.h"

#include <torch/library.h>

#include "braid/ops/first_derivative.h"
#include "braid/ops/operator_named.h"
#include "braid/ops/row_tasks.h"
#include "braid/ops/token_kernels_cpu.h"

namespace braid::ops {
namespace {

using torch::Tensor;

Tensor bias_gelu_forward(const Tensor& x, const Tensor& bias) {
  Tensor y = at::empty(x.sizes(), x.options());
  const int64_t width = x.size(-1), row_bytes = width * x.element_size();
  const auto& kernels = token_kernels();
  const bool bfloat16 = x.scalar_type() == at::kBFloat16;
  const auto* from = static_cast<const char*>(x.const_data_ptr());
  auto* to = static_cast<char*>(y.mutable_data_ptr());
  const float* biases = bias.const_data_ptr<float>();
  over_row_blocks(x.numel() / width, width, 0, [&](int64_t first, int64_t rows, float*) {
    kernels.bias_gelu(from + first * row_bytes, to + first * row_bytes, rows, width, bfloat16,
                      biases);
  });
  return y;
}

// Gradients of x and bias.
std::tuple<Tensor, Tensor> bias_gelu_backward(const Tensor& dy, const Tensor& x,
                                              const Tensor& bias) {
  Tensor dx = at::empty(x.sizes(), x.options());
  const int64_t width = x.size(-1), row_bytes = width * x.element_size();
  const auto& kernels = token_kernels();
  const bool bfloat16 = x.scalar_type() == at::kBFloat16;
  const auto* given = static_cast<const char*>(dy.const_data_ptr());
  const auto* from = static_cast<const char*>(x.const_data_ptr());
  auto* to = static_cast<char*>(dx.mutable_data_ptr());
  const float* biases = bias.const_data_ptr<float>();
  const auto sums = over_row_blocks(
      x.numel() / width, width, width, [&](int64_t first, int64_t rows, float* of_block) {
        const int64_t at = first * row_bytes;
        kernels.bias_gelu_backward(given + at, from + at, to + at, rows, width, bfloat16, biases,
                                   of_block);
      });
  return {dx, totals_of(sums, 0, width)};
}

// With the dispatcher, so that what watches operators sees them.
TORCH_LIBRARY_FRAGMENT(braid, library) {
  library.def("bias_gelu(Tensor x, Tensor bias) -> Tensor", bias_gelu_forward);
  library.def("bias_gelu_backward(Tensor dy, Tensor x, Tensor bias) -> (Tensor, Tensor)",
              bias_gelu_backward);
}

struct FusedBiasGelu : torch::autograd::Function<FusedBiasGelu> {
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& x,
                        const Tensor& bias) {
    static const auto op = operator_named<decltype(bias_gelu_forward)>("braid::bias_gelu");
    context->save_for_backward({x, bias});
    const at::AutoDispatchBelowADInplaceOrView below;
    return op.call(x, bias);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    check_first_derivative("fused GELU", "composed_bias_gelu");
    static const auto op =
        operator_named<decltype(bias_gelu_backward)>("braid::bias_gelu_backward");
    const auto saved = context->get_saved_variables();
    const Tensor dy = gradients[0].to(saved[0].scalar_type()).contiguous();
    const at::AutoDispatchBelowADInplaceOrView below;
    auto [dx, dbias] = op.call(dy, saved[0], saved[1]);
    return {dx, dbias};
  }
};

}  // namespace

bool is_bias_gelu_fused(const Tensor& x, const Tensor& bias) {
  return x.is_cpu() && x.dim() > 0 && x.numel() > 0 && x.is_contiguous() &&
         (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16) && bias.defined() &&
         bias.is_cpu() && bias.scalar_type() == at::kFloat && bias.is_contiguous() &&
         bias.dim() == 1 && bias.numel() == x.size(-1);
}

Tensor composed_bias_gelu(const Tensor& x, const Tensor& bias) {
  return at::gelu(x + bias.to(x.scalar_type()));
}

Tensor bias_gelu(const Tensor& x, const Tensor& bias) {
  return is_bias_gelu_fused(x, bias) ? FusedBiasGelu::apply(x, bias) : composed_bias_gelu(x, bias);
}

}  // namespace braid::ops
