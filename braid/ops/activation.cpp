#include "braid/ops/activation.h"

#include <torch/library.h>

#include "braid/ops/activation_cpu.h"
#include "braid/ops/first_derivative.h"
#include "braid/ops/operator_named.h"

namespace braid::ops {
namespace {

using torch::Tensor;

Numbers numbers_of(const Tensor& x) { return {x.numel(), x.scalar_type() == at::kBFloat16}; }

Tensor activate_forward(const Tensor& x, int64_t activation) {
  Tensor y = at::empty_like(x);
  activation_forward(x.const_data_ptr(), y.mutable_data_ptr(), numbers_of(x),
                     static_cast<Activation>(activation));
  return y;
}

Tensor activate_backward(const Tensor& dy, const Tensor& x, int64_t activation) {
  Tensor dx = at::empty_like(x);
  activation_backward(dy.const_data_ptr(), x.const_data_ptr(), dx.mutable_data_ptr(), numbers_of(x),
                      static_cast<Activation>(activation));
  return dx;
}

// With the dispatcher, so that what watches operators sees them.
TORCH_LIBRARY_FRAGMENT(braid, library) {
  library.def("activate(Tensor x, int activation) -> Tensor", activate_forward);
  library.def("activate_backward(Tensor dy, Tensor x, int activation) -> Tensor",
              activate_backward);
}

// t's numbers as x's lie.
Tensor laid_out_as(const Tensor& x, const Tensor& t) {
  if (t.scalar_type() == x.scalar_type() && t.strides() == x.strides()) return t;
  return at::empty_like(x).copy_(t);
}

struct FusedActivation : torch::autograd::Function<FusedActivation> {
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& x,
                        Activation activation) {
    static const auto op = operator_named<decltype(activate_forward)>("braid::activate");
    context->save_for_backward({x});
    context->saved_data["activation"] = static_cast<int64_t>(activation);
    const at::AutoDispatchBelowADInplaceOrView below;
    return op.call(x, static_cast<int64_t>(activation));
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    check_first_derivative("fused activation", "composed_activate");
    static const auto op = operator_named<decltype(activate_backward)>("braid::activate_backward");
    const Tensor x = context->get_saved_variables()[0];
    const at::AutoDispatchBelowADInplaceOrView below;
    return {op.call(laid_out_as(x, gradients[0]), x, context->saved_data["activation"].toInt()),
            Tensor()};
  }
};

}  // namespace

bool is_fused(const Tensor& x, Activation activation) {
  return (activation == Activation::kGelu || activation == Activation::kSilu) && x.is_cpu() &&
         (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16) &&
         x.layout() == at::kStrided && x.numel() > 0 && x.is_non_overlapping_and_dense();
}

Tensor composed_activate(const Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::kIdentity:
      return x;
    case Activation::kRelu:
      return at::relu(x);
    case Activation::kGelu:
      return at::gelu(x);
    case Activation::kSilu:
      return at::silu(x);
  }
  return x;
}

Tensor activate(const Tensor& x, Activation activation) {
  return is_fused(x, activation) ? FusedActivation::apply(x, activation)
                                 : composed_activate(x, activation);
}

}  // namespace braid::ops
