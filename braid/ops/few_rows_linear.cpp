#include "braid/ops/few_rows_linear.h"

#include <ATen/Parallel.h>
#include <torch/library.h>

#include <algorithm>

#include "braid/ops/operator_named.h"
#include "braid/ops/token_kernels_cpu.h"

namespace braid::ops {
namespace {

using torch::Tensor;

constexpr int64_t kTaskWeights = 16384;  // of a matrix; not worth a thread below

// y = sums + bias, a row's numbers from `first` on.
template <class Number>
void store_sums(const float* sums, const float* bias, int64_t first, int64_t last, Number* y) {
  for (int64_t o = first; o < last; ++o)
    y[o] = static_cast<Number>(bias == nullptr ? sums[o] : sums[o] + bias[o]);
}

Tensor few_rows_forward(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
                        at::ScalarType type) {
  const int64_t in = weight.size(1), out = weight.size(0), rows = x.numel() / in;
  const Tensor left = x.to(weight.scalar_type()).to(at::kFloat);  // as LibTorch rounds it
  auto sizes = x.sizes().vec();
  sizes.back() = out;
  Tensor y = at::empty(sizes, x.options().dtype(type));
  Tensor sums = type == at::kFloat ? y : at::empty({rows, out}, at::kFloat);
  const bool bfloat16 = weight.scalar_type() == at::kBFloat16;
  const auto* matrix = static_cast<const char*>(weight.const_data_ptr());
  const auto* from = left.const_data_ptr<float>();
  const auto* more = bias ? bias->const_data_ptr<float>() : nullptr;
  auto* to = sums.mutable_data_ptr<float>();
  const auto& kernels = token_kernels();
  const int64_t block = 16, blocks = (out + block - 1) / block;
  const int64_t least = std::max<int64_t>(1, kTaskWeights / (block * in));
  at::parallel_for(0, blocks, least, [&](int64_t begin, int64_t end) {
    const int64_t first = begin * block, last = std::min(out, end * block);
    kernels.few_rows({rows, in, out, last - first, bfloat16}, from,
                     matrix + first * in * weight.element_size(), to + first);
    if (type == at::kFloat && more == nullptr) return;
    for (int64_t row = 0; row < rows; ++row) {
      const auto* own = to + row * out;
      if (type == at::kFloat)
        store_sums(own, more, first, last, to + row * out);
      else
        store_sums(own, more, first, last, y.mutable_data_ptr<at::BFloat16>() + row * out);
    }
  });
  return y;
}

// With the dispatcher, so that what watches operators sees them.
TORCH_LIBRARY_FRAGMENT(braid, library) {
  library.def("few_rows_linear(Tensor x, Tensor weight, Tensor? bias, ScalarType type) -> Tensor",
              few_rows_forward);
}

bool is_number(at::ScalarType type) { return type == at::kFloat || type == at::kBFloat16; }

}  // namespace

bool is_few_rows(const Tensor& x, const Tensor& weight, const Tensor& bias, at::ScalarType type) {
  const auto fits = [](const Tensor& t) {
    return t.is_cpu() && is_number(t.scalar_type()) && t.is_contiguous() && t.numel() > 0;
  };
  return !at::GradMode::is_enabled() && is_number(type) && fits(x) && fits(weight) &&
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
