#include "braid/ops/layer_norm.h"

#include <torch/library.h>

#include "braid/ops/first_derivative.h"
#include "braid/ops/operator_named.h"
#include "braid/ops/row_tasks.h"
#include "braid/ops/token_kernels_cpu.h"

namespace braid::ops {
namespace {

using torch::Tensor;

// The numbers of a tensor that lies in one piece, from the i-th on.
const void* read_from(const Tensor& t, int64_t i) {
  return static_cast<const char*>(t.const_data_ptr()) + i * t.element_size();
}
void* write_from(const Tensor& t, int64_t i) {
  return static_cast<char*>(t.mutable_data_ptr()) + i * t.element_size();
}

NormRows norm_rows(const Tensor& x, const Tensor& y) {
  const int64_t width = x.size(-1);
  return {x.numel() / width, width, x.scalar_type() == at::kBFloat16,
          y.scalar_type() == at::kBFloat16};
}

// y, mean and 1 / sqrt(variance + eps) of each row.
std::tuple<Tensor, Tensor, Tensor> layer_norm_forward(const Tensor& x, const Tensor& weight,
                                                      const Tensor& bias, double eps,
                                                      at::ScalarType out) {
  Tensor y = at::empty(x.sizes(), x.options().dtype(out));
  const NormRows shape = norm_rows(x, y);
  Tensor mean = at::empty({shape.rows}, weight.options()), rstd = at::empty_like(mean);
  const auto& kernels = token_kernels();
  const float *weights = weight.const_data_ptr<float>(), *biases = bias.const_data_ptr<float>();
  float *means = mean.mutable_data_ptr<float>(), *rstds = rstd.mutable_data_ptr<float>();
  over_row_blocks(shape.rows, shape.width, 0, [&](int64_t first, int64_t rows, float*) {
    NormRows block = shape;
    block.rows = rows;
    kernels.layer_norm(read_from(x, first * shape.width), write_from(y, first * shape.width), block,
                       weights, biases, static_cast<float>(eps), means + first, rstds + first);
  });
  return {y, mean, rstd};
}

// Gradients of x, weight and bias; of x, and of the two others, where they are needed.
std::tuple<Tensor, Tensor, Tensor> layer_norm_backward(const Tensor& dy, const Tensor& x,
                                                       const Tensor& weight, const Tensor& mean,
                                                       const Tensor& rstd, bool x_needs_it,
                                                       bool parameters_need_it) {
  const NormRows shape = norm_rows(x, dy);
  const Tensor dx = x_needs_it ? at::empty(x.sizes(), x.options()) : Tensor();
  const auto& kernels = token_kernels();
  const float *weights = weight.const_data_ptr<float>(), *means = mean.const_data_ptr<float>(),
              *rstds = rstd.const_data_ptr<float>();
  const auto sums = over_row_blocks(
      shape.rows, shape.width, parameters_need_it ? 2 * shape.width : 0,
      [&](int64_t first, int64_t rows, float* of_block) {
        NormRows block = shape;
        block.rows = rows;
        const int64_t at = first * shape.width;
        kernels.layer_norm_backward(
            read_from(dy, at), read_from(x, at), x_needs_it ? write_from(dx, at) : nullptr, block,
            weights, means + first, rstds + first, parameters_need_it ? of_block : nullptr,
            parameters_need_it ? of_block + shape.width : nullptr);
      });
  if (!parameters_need_it) return {dx, Tensor(), Tensor()};
  return {dx, totals_of(sums, 0, shape.width), totals_of(sums, shape.width, shape.width)};
}

// With the dispatcher, so that what watches operators sees them.
TORCH_LIBRARY_FRAGMENT(braid, library) {
  library.def(
      "layer_norm(Tensor x, Tensor weight, Tensor bias, float eps, ScalarType out) -> (Tensor, "
      "Tensor, Tensor)",
      layer_norm_forward);
  library.def(
      "layer_norm_backward(Tensor dy, Tensor x, Tensor weight, Tensor mean, Tensor rstd, bool "
      "x_needs_it, bool parameters_need_it) -> (Tensor, Tensor, Tensor)",
      layer_norm_backward);
}

struct FusedLayerNorm : torch::autograd::Function<FusedLayerNorm> {
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& x,
                        const Tensor& weight, const Tensor& bias, double eps, at::ScalarType out) {
    static const auto op = operator_named<decltype(layer_norm_forward)>("braid::layer_norm");
    const at::AutoDispatchBelowADInplaceOrView below;
    auto [y, mean, rstd] = op.call(x, weight, bias, eps, out);
    context->save_for_backward({x, weight, mean, rstd});
    context->saved_data["out"] = static_cast<int64_t>(out);
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    check_first_derivative("fused layer norm", "composed_layer_norm");
    static const auto op =
        operator_named<decltype(layer_norm_backward)>("braid::layer_norm_backward");
    const auto saved = context->get_saved_variables();
    const auto out = static_cast<at::ScalarType>(context->saved_data["out"].toInt());
    const Tensor dy = gradients[0].to(out).contiguous();
    const at::AutoDispatchBelowADInplaceOrView below;
    auto [dx, dweight, dbias] =
        op.call(dy, saved[0], saved[1], saved[2], saved[3], context->needs_input_grad(0),
                context->needs_input_grad(1) || context->needs_input_grad(2));
    return {dx, dweight, dbias, {}, {}};
  }
};

}  // namespace

bool is_layer_norm_fused(const Tensor& x, const Tensor& weight, const Tensor& bias,
                         at::ScalarType out) {
  const auto is_known = [](at::ScalarType type) {
    return type == at::kFloat || type == at::kBFloat16;
  };
  const auto is_parameter = [&](const Tensor& t) {
    return t.defined() && t.is_cpu() && t.scalar_type() == at::kFloat && t.is_contiguous() &&
           t.dim() == 1 && t.numel() == x.size(-1);
  };
  return x.is_cpu() && x.dim() > 0 && x.numel() > 0 && x.is_contiguous() &&
         is_known(x.scalar_type()) && is_known(out) && is_parameter(weight) && is_parameter(bias);
}

Tensor composed_layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps,
                           at::ScalarType out) {
  return at::layer_norm(x, weight.sizes(), weight, bias, eps).to(out);
}

Tensor layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps,
                  at::ScalarType out) {
  if (!is_layer_norm_fused(x, weight, bias, out))
    return composed_layer_norm(x, weight, bias, eps, out);
  return FusedLayerNorm::apply(x, weight, bias, eps, out);
}

}  // namespace braid::ops
