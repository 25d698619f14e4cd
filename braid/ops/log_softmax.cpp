#include "braid/ops/log_softmax.h"

#include <ATen/Parallel.h>
#include <torch/library.h>

#include <cmath>

#include "braid/ops/operator_named.h"
#include "braid/ops/token_kernels_cpu.h"

namespace braid::ops {
namespace {

using torch::Tensor;

Tensor log_softmax_forward(const Tensor& logits) {
  const int64_t width = logits.size(1), row_bytes = width * logits.element_size();
  const bool bfloat16 = logits.scalar_type() == at::kBFloat16;
  Tensor y = at::empty(logits.sizes(), logits.options().dtype(at::kFloat));
  const auto* from = static_cast<const char*>(logits.const_data_ptr());
  auto* to = y.mutable_data_ptr<float>();
  const auto& kernels = token_kernels();
  at::parallel_for(0, logits.size(0), 1, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      const void* row = from + i * row_bytes;
      const RowSums sums = kernels.logit_sums(row, width, bfloat16);
      kernels.shift(row, to + i * width, width, bfloat16, sums.largest,
                    std::log(sums.exponentials));
    }
  });
  return y;
}

// With the dispatcher, so that what watches operators sees them.
TORCH_LIBRARY_FRAGMENT(braid, library) {
  library.def("log_softmax(Tensor logits) -> Tensor", log_softmax_forward);
}

}  // namespace

bool is_log_softmax_fused(const Tensor& logits) {
  return !at::GradMode::is_enabled() && logits.is_cpu() && logits.dim() == 2 &&
         logits.is_contiguous() && logits.numel() > 0 &&
         (logits.scalar_type() == at::kFloat || logits.scalar_type() == at::kBFloat16);
}

Tensor composed_log_softmax(const Tensor& logits) {
  return at::log_softmax(logits.to(at::kFloat), -1);
}

Tensor log_softmax(const Tensor& logits) {
  if (!is_log_softmax_fused(logits)) return composed_log_softmax(logits);
  static const auto op = operator_named<decltype(log_softmax_forward)>("braid::log_softmax");
  const at::AutoDispatchBelowADInplaceOrView below;
  return op.call(logits);
}

}  // namespace braid::ops
