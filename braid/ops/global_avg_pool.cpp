#include "braid/ops/global_avg_pool.h"

#include <torch/library.h>

namespace braid::ops {
namespace {

using torch::Tensor;

// float16 stays with the mean: its sum overflows. So does what is neither slow nor trained: the
// mean is one operator, which graphs and other engines know. Of tokens, the mean's gradient has
// their layout.
bool is_sum_faster(const Tensor& x) {
  if (!x.is_cpu() || x.scalar_type() == torch::kHalf) return false;
  const bool is_trained = at::GradMode::is_enabled() && x.requires_grad();
  return x.scalar_type() == torch::kBFloat16 || (x.dim() == 4 && is_trained);
}

// With the dispatcher, for graphs.
TORCH_LIBRARY_FRAGMENT(braid, library) {
  library.def("global_avg_pool(Tensor x, bool keepdim) -> Tensor", global_avg_pool);
}

}  // namespace

Tensor global_avg_pool(const Tensor& x, bool keepdim) {
  const bool is_map = x.dim() == 4;
  const auto positions = is_map ? std::vector<int64_t>{2, 3} : std::vector<int64_t>{1};
  if (!is_sum_faster(x)) return x.mean(positions, keepdim);
  return x.sum(positions, keepdim) / (is_map ? x.size(2) * x.size(3) : x.size(1));
}

}  // namespace braid::ops
