#include "braid/ops/conv3x3.h"

#include <torch/library.h>

#include "braid/ops/conv3x3_gradient_cpu.h"
#include "braid/ops/first_derivative.h"
#include "braid/ops/operator_named.h"
#include "braid/ops/winograd_conv.h"

namespace braid::ops {
namespace {

using torch::Tensor;

constexpr int64_t kSide = 3;

// Of the weight: [O,C,3,3] in float32, channels-last.
Tensor conv3x3_weight_gradient(const Tensor& dy, const Tensor& x) {
  const Conv3x3Shape shape{.images = x.size(0),
                           .height = x.size(2),
                           .width = x.size(3),
                           .in_chs = x.size(1),
                           .out_chs = dy.size(1)};
  Tensor dw =
      at::empty({shape.out_chs, shape.in_chs, kSide, kSide},
                x.options().dtype(at::kFloat).memory_format(at::MemoryFormat::ChannelsLast));
  conv3x3_weight_gradient_cpu(dy.const_data_ptr<at::BFloat16>(), x.const_data_ptr<at::BFloat16>(),
                              dw.mutable_data_ptr<float>(), shape);
  return dw;
}

// With the dispatcher, so that what watches operators sees it.
TORCH_LIBRARY_FRAGMENT(braid, library) {
  library.def("conv3x3_weight_gradient(Tensor dy, Tensor x) -> Tensor", conv3x3_weight_gradient);
}

// By matrix units where there are some: suits_winograd_weight_gradient() says no there.
Tensor weight_gradient(const Tensor& dy, const Tensor& x) {
  if (!conv3x3_weight_gradient_is_usable()) return winograd_weight_gradient(dy, x);
  static const auto op =
      operator_named<decltype(conv3x3_weight_gradient)>("braid::conv3x3_weight_gradient");
  return op.call(dy, x);
}

// Forward and the gradient of x are LibTorch's.
struct FusedConv3x3 : torch::autograd::Function<FusedConv3x3> {
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& x,
                        const Tensor& weight) {
    const at::AutoDispatchBelowADInplaceOrView below;
    const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
    const Tensor rounded = weight.to(x.scalar_type());
    context->save_for_backward({x, rounded});
    return composed_conv3x3(x, rounded);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    check_first_derivative("fused 3x3 convolution", "composed_conv3x3");
    const auto saved = context->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1];
    const Tensor dy = gradients[0].to(x.scalar_type()).contiguous(at::MemoryFormat::ChannelsLast);
    const at::AutoDispatchBelowADInplaceOrView below;
    Tensor dx, dw;
    if (context->needs_input_grad(0))
      dx = std::get<0>(at::convolution_backward(dy, x, weight, at::OptionalIntArrayRef(), {1, 1},
                                                {1, 1}, {1, 1}, /*transposed=*/false, {0, 0},
                                                /*groups=*/1, {true, false, false}));
    if (context->needs_input_grad(1)) dw = weight_gradient(dy, x);
    return {dx, dw};
  }
};

bool suits_tiles(const Tensor& x, const Tensor& weight) {
  // Of larger maps LibTorch's gradient is as fast or faster, and over few pixels the sums of each
  // thread cost more than the products (docs/benchmarks.md).
  constexpr int64_t kWholeChannels = 16, kLargestMap = 64, kLeastPixels = 2048;
  return conv3x3_weight_gradient_is_usable() && x.is_cpu() && x.dim() == 4 && x.numel() > 0 &&
         x.scalar_type() == at::kBFloat16 && x.is_contiguous(at::MemoryFormat::ChannelsLast) &&
         x.size(2) * x.size(3) <= kLargestMap && x.numel() / x.size(1) >= kLeastPixels &&
         weight.is_cpu() && weight.scalar_type() == at::kFloat && weight.dim() == 4 &&
         weight.size(0) % kWholeChannels == 0 && x.size(1) % kWholeChannels == 0 &&
         weight.sizes().slice(1) == at::IntArrayRef({x.size(1), kSide, kSide});
}

}  // namespace

bool is_fused_conv3x3(const Tensor& x, const Tensor& weight) {
  return suits_tiles(x, weight) || suits_winograd(x, weight) ||
         suits_winograd_weight_gradient(x, weight);
}

Tensor composed_conv3x3(const Tensor& x, const Tensor& weight) {
  return at::conv2d(x, weight, /*bias=*/{}, /*stride=*/1, /*padding=*/1);
}

Tensor conv3x3(const Tensor& x, const Tensor& weight) {
  if (suits_winograd(x, weight)) return winograd_conv3x3(x, weight);
  if (suits_tiles(x, weight) || suits_winograd_weight_gradient(x, weight))
    return FusedConv3x3::apply(x, weight);
  return composed_conv3x3(x, weight.to(x.scalar_type()));
}

}  // namespace braid::ops
