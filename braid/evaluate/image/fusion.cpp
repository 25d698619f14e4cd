#include "braid/evaluate/image/fusion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "braid/core/error.h"

namespace braid::evaluate {
namespace {

void check_alike(const torch::Tensor& a, const torch::Tensor& b) {
  if (a.dim() != 2 || a.sizes() != b.sizes())
    throw InternalError("fusion",
                        fmt::format("expected two [N,K] tensors alike, got [{}] and [{}]",
                                    fmt::join(a.sizes(), ","), fmt::join(b.sizes(), ",")));
}

}  // namespace

torch::Tensor late_fusion(const torch::Tensor& a, const torch::Tensor& b) {
  check_alike(a, b);
  return (a + b) / 2;
}

Overlap error_overlap(const torch::Tensor& a, const torch::Tensor& b, const torch::Tensor& labels) {
  check_alike(a, b);
  const auto right_a = a.argmax(1) == labels, right_b = b.argmax(1) == labels;  // [N] bool
  const auto share = [&](const torch::Tensor& mask) {
    return 100.0 * mask.sum().item<double>() / static_cast<double>(mask.numel());
  };
  Overlap overlap;
  if (labels.numel() == 0) return overlap;
  overlap.both_right = share(right_a & right_b);
  overlap.only_a_right = share(right_a & ~right_b);
  overlap.only_b_right = share(~right_a & right_b);
  overlap.both_wrong = share(~right_a & ~right_b);
  return overlap;
}

}  // namespace braid::evaluate
