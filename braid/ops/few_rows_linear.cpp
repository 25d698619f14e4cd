#include "braid/ops/few_rows_linear.h"

#include <torch/library.h>

#include "braid/ops/few_rows_tasks.h"
#include "braid/ops/operator_named.h"
#include "braid/ops/token_kernels_cpu.h"

namespace braid::ops {
namespace {

using torch::Tensor;

Tensor few_rows_forward(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
                        at::ScalarType type) {
  const int64_t in = weight.size(1), out = weight.size(0), rows = x.numel() / in;
  const Tensor left = x.to(weight.scalar_type()).to(at::kFloat);  // as LibTorch rounds it
  auto sizes = x.sizes().vec();
  sizes.back() = out;
  const bool bfloat16 = weight.scalar_type() == at::kBFloat16;
  const auto* matrix = static_cast<const char*>(weight.const_data_ptr());
  const auto* from = left.const_data_ptr<float>();
  const auto& kernels = token_kernels();
  return few_rows_tasks(
      sizes, in, bias, type, /*block=*/16, [&](float* sums, int64_t first, int64_t last) {
        kernels.few_rows(
            {.rows = rows, .in = in, .out = out, .count = last - first, .bfloat16 = bfloat16}, from,
            matrix + first * in * weight.element_size(), sums + first);
      });
}

// With the dispatcher, so that what watches operators sees them.
TORCH_LIBRARY_FRAGMENT(braid, library) {
  library.def("few_rows_linear(Tensor x, Tensor weight, Tensor? bias, ScalarType type) -> Tensor",
              few_rows_forward);
}

}  // namespace

bool is_few_rows(const Tensor& x, const Tensor& weight, const Tensor& bias, at::ScalarType type) {
  const auto fits = [](const Tensor& t) {
    return t.is_cpu() && is_few_rows_type(t.scalar_type()) && t.is_contiguous() && t.numel() > 0;
  };
  return !at::GradMode::is_enabled() && is_few_rows_type(type) && fits(x) && fits(weight) &&
         weight.dim() == 2 && x.dim() > 0 && x.size(-1) == weight.size(1) &&
         x.numel() <= most_few_rows(weight.scalar_type()) * x.size(-1) &&
         (!bias.defined() || (fits(bias) && bias.scalar_type() == at::kFloat && bias.dim() == 1 &&
                              bias.numel() == weight.size(0)));
}

Tensor composed_few_rows_linear(const Tensor& x, const Tensor& weight, const Tensor& bias,
                                at::ScalarType type) {
  return at::linear(x.to(weight.scalar_type()), weight,
                    bias.defined() ? bias.to(weight.scalar_type()) : bias)
      .to(type);
}

Tensor few_rows_linear(const Tensor& x, const Tensor& weight, const Tensor& bias,
                       at::ScalarType type) {
  if (!is_few_rows(x, weight, bias, type)) return composed_few_rows_linear(x, weight, bias, type);
  static const auto op = operator_named<decltype(few_rows_forward)>("braid::few_rows_linear");
  const at::AutoDispatchBelowADInplaceOrView below;
  return op.call(x, weight, where_defined(bias), type);
}

}  // namespace braid::ops
