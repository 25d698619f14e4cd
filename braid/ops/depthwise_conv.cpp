#include "braid/ops/depthwise_conv.h"

#include <torch/library.h>

#include "braid/ops/depthwise_conv_cpu.h"
#include "braid/ops/first_derivative.h"
#include "braid/ops/operator_named.h"

namespace braid::ops {
namespace {

using torch::Tensor;

int64_t outputs_of(int64_t pixels, int64_t kernel, int64_t stride, int64_t padding) {
  return (pixels + 2 * padding - kernel) / stride + 1;
}

DepthwiseShape shape_of(const Tensor& x, const Tensor& weight, int64_t stride, int64_t padding) {
  const int64_t kernel = weight.size(2);
  const auto side = [&](int64_t pixels) { return outputs_of(pixels, kernel, stride, padding); };
  return {.x = {x.size(0), x.size(2), x.size(3)},
          .y = {x.size(0), side(x.size(2)), side(x.size(3))},
          .chans = x.size(1),
          .kernel = kernel,
          .stride = stride,
          .padding = padding,
          .bfloat16 = x.scalar_type() == at::kBFloat16};
}

Tensor depthwise_forward(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
                         int64_t stride, int64_t padding) {
  const DepthwiseShape shape = shape_of(x, weight, stride, padding);
  Tensor y = at::empty({shape.y.images, shape.chans, shape.y.height, shape.y.width},
                       x.options().memory_format(at::MemoryFormat::ChannelsLast));
  DepthwiseConvPasses(depthwise_conv_kernels(), shape)
      .forward(x.const_data_ptr(), weight.const_data_ptr<float>(),
               bias ? bias->const_data_ptr<float>() : nullptr, y.mutable_data_ptr());
  return y;
}

// Gradients of x, of weight and bias; of both or none of the latter.
std::tuple<Tensor, Tensor, Tensor> depthwise_backward(const Tensor& dy, const Tensor& x,
                                                      const Tensor& weight, int64_t stride,
                                                      int64_t padding, bool x_needs_it,
                                                      bool weight_needs_it) {
  const DepthwiseConvPasses passes(depthwise_conv_kernels(), shape_of(x, weight, stride, padding));
  Tensor dx, dweight, dbias;
  if (weight_needs_it) {
    dweight = at::empty_like(weight);
    dbias = at::empty({x.size(1)}, weight.options());
    passes.weight_gradient(dy.const_data_ptr(), x.const_data_ptr(),
                           dweight.mutable_data_ptr<float>(), dbias.mutable_data_ptr<float>());
  }
  if (x_needs_it) {
    dx = at::empty_like(x);
    passes.gradient(dy.const_data_ptr(), weight.const_data_ptr<float>(), dx.mutable_data_ptr());
  }
  return {dx, dweight, dbias};
}

// With the dispatcher, so that what watches operators sees them.
TORCH_LIBRARY_FRAGMENT(braid, library) {
  library.def(
      "depthwise_conv2d(Tensor x, Tensor weight, Tensor? bias, int stride, int padding) -> Tensor",
      depthwise_forward);
  library.def(
      "depthwise_conv2d_backward(Tensor dy, Tensor x, Tensor weight, int stride, int padding, bool "
      "x_needs_it, bool weight_needs_it) -> (Tensor, Tensor, Tensor)",
      depthwise_backward);
}

struct FusedDepthwiseConv : torch::autograd::Function<FusedDepthwiseConv> {
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& x,
                        const Tensor& weight, const std::optional<Tensor>& bias,
                        const DepthwiseConvOptions& options) {
    static const auto op = operator_named<decltype(depthwise_forward)>("braid::depthwise_conv2d");
    context->save_for_backward({x, weight});
    context->saved_data["has_bias"] = bias.has_value();
    context->saved_data["stride"] = options.stride;
    context->saved_data["padding"] = options.padding;
    const at::AutoDispatchBelowADInplaceOrView below;
    return op.call(x, weight, bias, options.stride, options.padding);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    check_first_derivative("fused depthwise convolution", "composed_depthwise_conv2d");
    static const auto op =
        operator_named<decltype(depthwise_backward)>("braid::depthwise_conv2d_backward");
    const auto saved = context->get_saved_variables();
    const Tensor& x = saved[0];
    const Tensor dy = gradients[0].to(x.scalar_type()).contiguous(at::MemoryFormat::ChannelsLast);
    const bool of_bias = context->saved_data["has_bias"].toBool() && context->needs_input_grad(2);
    const at::AutoDispatchBelowADInplaceOrView below;
    auto [dx, dweight, dbias] =
        op.call(dy, x, saved[1], context->saved_data["stride"].toInt(),
                context->saved_data["padding"].toInt(), context->needs_input_grad(0),
                context->needs_input_grad(1) || of_bias);
    return {dx, dweight, of_bias ? dbias : Tensor(), {}};
  }
};

}  // namespace

bool is_fused(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const DepthwiseConvOptions& options) {
  const auto is_parameter = [&](const Tensor& t) {
    return t.defined() && t.is_cpu() && t.scalar_type() == at::kFloat && t.is_contiguous();
  };
  if (!x.is_cpu() || x.dim() != 4 || x.numel() == 0 ||
      !x.is_contiguous(at::MemoryFormat::ChannelsLast) ||
      (x.scalar_type() != at::kFloat && x.scalar_type() != at::kBFloat16))
    return false;
  if (!is_parameter(weight) || weight.dim() != 4) return false;
  const int64_t kernel = weight.size(2);
  const auto has_outputs = [&](int64_t pixels) { return pixels + 2 * options.padding >= kernel; };
  return (kernel == 3 || kernel == 5 || kernel == 7) &&
         weight.sizes() == at::IntArrayRef({x.size(1), 1, kernel, kernel}) &&
         (!bias.defined() || (is_parameter(bias) && bias.numel() == x.size(1))) &&
         (options.stride == 1 || options.stride == 2) && options.padding >= 0 &&
         options.padding < kernel && has_outputs(x.size(2)) && has_outputs(x.size(3));
}

Tensor composed_depthwise_conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                                 const DepthwiseConvOptions& options) {
  return at::conv2d(x, weight, bias, options.stride, options.padding, /*dilation=*/1, x.size(1));
}

Tensor depthwise_conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const DepthwiseConvOptions& options) {
  if (!is_fused(x, weight, bias, options))
    return composed_depthwise_conv2d(x, weight.to(x.scalar_type()),
                                     bias.defined() ? bias.to(x.scalar_type()) : bias, options);
  return FusedDepthwiseConv::apply(x, weight, where_defined(bias), options);
}

}  // namespace braid::ops
