#include "braid/ops/max_pool2d.h"

#include <torch/library.h>

#include "braid/ops/first_derivative.h"
#include "braid/ops/max_pool2d_cpu.h"
#include "braid/ops/operator_named.h"

namespace braid::ops {
namespace {

using torch::Tensor;

MaxPoolPasses max_pool_passes(int64_t images, int64_t chans, int64_t height, int64_t width,
                              at::ScalarType dtype) {
  return {max_pool2d_kernels(), {images, height, width, chans, dtype == at::kBFloat16}};
}

// y, and the places of its numbers in their windows.
std::tuple<Tensor, Tensor> max_pool2x2_forward(const Tensor& x) {
  const auto options = x.options().memory_format(at::MemoryFormat::ChannelsLast);
  Tensor y = at::empty({x.size(0), x.size(1), x.size(2) / 2, x.size(3) / 2}, options);
  Tensor winners = at::empty(y.sizes(), options.dtype(at::kByte));
  max_pool_passes(x.size(0), x.size(1), x.size(2), x.size(3), x.scalar_type())
      .forward(x.const_data_ptr(), y.mutable_data_ptr(), winners.mutable_data_ptr<uint8_t>());
  return {y, winners};
}

Tensor max_pool2x2_backward(const Tensor& dy, const Tensor& winners, int64_t height,
                            int64_t width) {
  Tensor dx = at::empty({dy.size(0), dy.size(1), height, width},
                        dy.options().memory_format(at::MemoryFormat::ChannelsLast));
  max_pool_passes(dy.size(0), dy.size(1), height, width, dy.scalar_type())
      .backward(dy.const_data_ptr(), winners.const_data_ptr<uint8_t>(), dx.mutable_data_ptr());
  return dx;
}

// With the dispatcher, so that what watches operators sees them.
TORCH_LIBRARY_FRAGMENT(braid, library) {
  library.def("max_pool2x2(Tensor x) -> (Tensor, Tensor)", max_pool2x2_forward);
  library.def("max_pool2x2_backward(Tensor dy, Tensor winners, int height, int width) -> Tensor",
              max_pool2x2_backward);
}

struct FusedMaxPool : torch::autograd::Function<FusedMaxPool> {
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& x) {
    static const auto op = operator_named<decltype(max_pool2x2_forward)>("braid::max_pool2x2");
    context->saved_data["height"] = x.size(2);
    context->saved_data["width"] = x.size(3);
    context->saved_data["dtype"] = x.scalar_type();
    const at::AutoDispatchBelowADInplaceOrView below;
    const auto [y, winners] = op.call(x);
    context->save_for_backward({winners});
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    check_first_derivative("fused max pooling", "composed_max_pool2x2");
    static const auto op =
        operator_named<decltype(max_pool2x2_backward)>("braid::max_pool2x2_backward");
    const Tensor dy = gradients[0]
                          .to(context->saved_data["dtype"].toScalarType())
                          .contiguous(at::MemoryFormat::ChannelsLast);
    const at::AutoDispatchBelowADInplaceOrView below;
    return {op.call(dy, context->get_saved_variables()[0], context->saved_data["height"].toInt(),
                    context->saved_data["width"].toInt())};
  }
};

}  // namespace

bool is_fused_max_pool2x2(const Tensor& x) {
  return x.is_cpu() && x.dim() == 4 && x.numel() > 0 && x.size(2) > 1 && x.size(3) > 1 &&
         (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16) &&
         x.is_contiguous(at::MemoryFormat::ChannelsLast);
}

Tensor composed_max_pool2x2(const Tensor& x) { return at::max_pool2d(x, 2); }

Tensor max_pool2x2(const Tensor& x) {
  return is_fused_max_pool2x2(x) ? FusedMaxPool::apply(x) : composed_max_pool2x2(x);
}

}  // namespace braid::ops
