#include "braid/ops/winograd_conv.h"

#include <torch/library.h>

#include <algorithm>

#include "braid/core/cpu.h"
#include "braid/ops/first_derivative.h"
#include "braid/ops/operator_named.h"
#include "braid/ops/winograd_cpu.h"

namespace braid::ops {
namespace {

using torch::Tensor;

constexpr int64_t kFilterSide = 3;

WinogradPasses passes_of(const Tensor& x) {
  return {winograd_level(),
          {.images = x.size(0),
           .height = x.size(2),
           .width = x.size(3),
           .bfloat16 = x.scalar_type() == at::kBFloat16}};
}

// turned: from the channels of y to those of x, as the gradient goes.
Tensor convolved(const Tensor& x, const Tensor& weight, bool turned) {
  const WinogradPasses passes = passes_of(x);
  const Tensor filters = weight.contiguous(at::MemoryFormat::ChannelsLast);
  const auto* numbers = filters.const_data_ptr<float>();
  const int64_t in_chs = weight.size(1), out_chs = weight.size(0);
  const Tensor packed =
      turned ? passes.pack_turned(numbers, in_chs, out_chs) : passes.pack(numbers, in_chs, out_chs);
  const int64_t chans = turned ? in_chs : out_chs;
  Tensor y = at::empty({x.size(0), chans, x.size(2), x.size(3)},
                       x.options().memory_format(at::MemoryFormat::ChannelsLast));
  passes.convolve(x.const_data_ptr(), x.size(1), packed.const_data_ptr<float>(),
                  y.mutable_data_ptr(), chans);
  return y;
}

Tensor winograd_forward(const Tensor& x, const Tensor& weight) {
  return convolved(x, weight, /*turned=*/false);
}

Tensor winograd_gradient(const Tensor& dy, const Tensor& weight) {
  return convolved(dy, weight, /*turned=*/true);
}

Tensor filter_gradient(const Tensor& dy, const Tensor& x) {
  Tensor dweight =
      at::empty({dy.size(1), x.size(1), kFilterSide, kFilterSide},
                at::TensorOptions(at::kFloat).memory_format(at::MemoryFormat::ChannelsLast));
  passes_of(x).weight_gradient(dy.const_data_ptr(), dy.size(1), x.const_data_ptr(), x.size(1),
                               dweight.mutable_data_ptr<float>());
  return dweight;
}

// With the dispatcher, so that what watches operators sees them.
TORCH_LIBRARY_FRAGMENT(braid, library) {
  library.def("winograd_conv3x3(Tensor x, Tensor weight) -> Tensor", winograd_forward);
  library.def("winograd_conv3x3_gradient(Tensor dy, Tensor weight) -> Tensor", winograd_gradient);
  library.def("winograd_conv3x3_weight_gradient(Tensor dy, Tensor x) -> Tensor", filter_gradient);
}

struct WinogradConv : torch::autograd::Function<WinogradConv> {
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& x,
                        const Tensor& weight) {
    static const auto op = operator_named<decltype(winograd_forward)>("braid::winograd_conv3x3");
    context->save_for_backward({x, weight});
    const at::AutoDispatchBelowADInplaceOrView below;
    return op.call(x, weight);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    check_first_derivative("3x3 convolution by Winograd's filtering", "composed_conv3x3");
    static const auto op =
        operator_named<decltype(winograd_gradient)>("braid::winograd_conv3x3_gradient");
    const auto saved = context->get_saved_variables();
    const Tensor& x = saved[0];
    const Tensor dy = gradients[0].to(x.scalar_type()).contiguous(at::MemoryFormat::ChannelsLast);
    const at::AutoDispatchBelowADInplaceOrView below;
    Tensor dx, dweight;
    if (context->needs_input_grad(0)) dx = op.call(dy, saved[1]);
    if (context->needs_input_grad(1)) dweight = winograd_weight_gradient(dy, x);
    return {dx, dweight};
  }
};

// What filtering can compute, and enough of it: few channels are all transforms and no products,
// and filters are transformed for each step, which few tiles do not pay back (docs/benchmarks.md).
bool is_worth_filtering(const Tensor& x, const Tensor& weight, int64_t fewest_chans) {
  constexpr int64_t kFewestTiles = 64;
  return x.is_cpu() && x.dim() == 4 && x.numel() > 0 &&
         (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16) &&
         x.is_contiguous(at::MemoryFormat::ChannelsLast) && weight.is_cpu() &&
         weight.scalar_type() == at::kFloat && weight.dim() == 4 &&
         weight.sizes().slice(1) == at::IntArrayRef({x.size(1), kFilterSide, kFilterSide}) &&
         std::min(x.size(1), weight.size(0)) >= fewest_chans &&
         x.size(0) * winograd_tiles(x.size(2)) * winograd_tiles(x.size(3)) >= kFewestTiles;
}

// Of outputs that tiles compute, few are beside the map.
bool is_full(const Tensor& x) {
  const int64_t computed =
      winograd_tiles(x.size(2)) * winograd_tiles(x.size(3)) * kWinogradOutputs * kWinogradOutputs;
  return 5 * computed <= 6 * x.size(2) * x.size(3);
}

constexpr int64_t kFewestChannels = 24, kFewestChannelsOfBfloat16 = 32;

}  // namespace

bool suits_winograd(const Tensor& x, const Tensor& weight) {
  if (x.scalar_type() == at::kFloat) return is_worth_filtering(x, weight, kFewestChannels);
  return suits_winograd_weight_gradient(x, weight) && is_full(x);
}

bool suits_winograd_weight_gradient(const Tensor& x, const Tensor& weight) {
  // Matrix units for bfloat16 are faster than any filtering.
  return x.scalar_type() == at::kBFloat16 && !cpu_has_bf16_tiles() &&
         is_worth_filtering(x, weight, kFewestChannelsOfBfloat16);
}

Tensor winograd_conv3x3(const Tensor& x, const Tensor& weight) {
  return WinogradConv::apply(x, weight);
}

Tensor winograd_weight_gradient(const Tensor& dy, const Tensor& x) {
  static const auto op =
      operator_named<decltype(filter_gradient)>("braid::winograd_conv3x3_weight_gradient");
  return op.call(dy, x);
}

}  // namespace braid::ops
