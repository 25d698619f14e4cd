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

Overlap error_overlap(const torch::Tensor& cnn, const torch::Tensor& transformer,
                      const torch::Tensor& labels) {
  check_alike(cnn, transformer);
  const auto by_cnn = cnn.argmax(1) == labels,
             by_transformer = transformer.argmax(1) == labels;  // [N] bool
  const auto share = [&](const torch::Tensor& mask) {
    return 100.0 * mask.sum().item<double>() / static_cast<double>(mask.numel());
  };
  Overlap overlap;
  if (labels.numel() == 0) return overlap;
  overlap.both_right = share(by_cnn & by_transformer);
  overlap.only_cnn_right = share(by_cnn & ~by_transformer);
  overlap.only_transformer_right = share(~by_cnn & by_transformer);
  overlap.both_wrong = share(~by_cnn & ~by_transformer);
  return overlap;
}

}  // namespace braid::evaluate
