#include "braid/ops/cross_entropy.h"

#include <ATen/Parallel.h>
#include <torch/library.h>

#include <cmath>

#include "braid/ops/first_derivative.h"
#include "braid/ops/operator_named.h"
#include "braid/ops/token_kernels_cpu.h"

namespace braid::ops {
namespace {

using torch::Tensor;

constexpr int64_t kIgnored = -100;
constexpr int64_t kLeastClasses = 512;  // of fewer, the passes cost nothing to speak of

// Rows of logits that lie one after another.
struct Rows {
  explicit Rows(const Tensor& logits)
      : count(logits.size(0)),
        width(logits.size(1)),
        bytes(width * logits.element_size()),
        bfloat16(logits.scalar_type() == at::kBFloat16),
        first(static_cast<const char*>(logits.const_data_ptr())) {}
  const void* at(int64_t row) const { return first + row * bytes; }
  double number(int64_t row, int64_t column) const {
    if (!bfloat16) return static_cast<const float*>(at(row))[column];
    return static_cast<float>(static_cast<const at::BFloat16*>(at(row))[column]);
  }
  int64_t count, width, bytes;
  bool bfloat16;
  const char* first;
};

// The loss, the logarithm of every row's sum of exponentials, and the rows that count.
std::tuple<Tensor, Tensor, int64_t> cross_entropy_forward(const Tensor& logits,
                                                          const Tensor& labels, double smoothing) {
  const Rows rows(logits);
  const auto* wanted = labels.const_data_ptr<int64_t>();
  int64_t counted = 0;
  for (int64_t i = 0; i < rows.count; ++i) {
    if (wanted[i] == kIgnored) continue;
    TORCH_CHECK_INDEX(wanted[i] >= 0 && wanted[i] < rows.width, "Target ", wanted[i],
                      " is out of bounds.");
    ++counted;
  }
  Tensor log_sums = at::empty({rows.count}, at::kDouble),
         losses = at::zeros({rows.count}, at::kDouble);
  auto* sums_to = log_sums.mutable_data_ptr<double>();
  auto* losses_to = losses.mutable_data_ptr<double>();
  const auto& kernels = token_kernels();
  at::parallel_for(0, rows.count, 1, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) {
      if (wanted[i] == kIgnored) continue;
      const RowSums sums = kernels.logit_sums(rows.at(i), rows.width, rows.bfloat16);
      sums_to[i] = sums.largest + std::log(static_cast<double>(sums.exponentials));
      losses_to[i] = sums_to[i] - (1 - smoothing) * rows.number(i, wanted[i]) -
                     smoothing * sums.numbers / static_cast<double>(rows.width);
    }
  });
  return {(losses.sum() / static_cast<double>(counted)).to(at::kFloat), log_sums, counted};
}

Tensor cross_entropy_backward(const Tensor& dy, const Tensor& logits, const Tensor& labels,
                              const Tensor& log_sums, double smoothing, int64_t counted) {
  const Rows rows(logits);
  Tensor dx = at::empty(logits.sizes(), logits.options());
  auto* to = static_cast<char*>(dx.mutable_data_ptr());
  const auto* wanted = labels.const_data_ptr<int64_t>();
  const auto* sums = log_sums.const_data_ptr<double>();
  const double scale = dy.item<double>() / static_cast<double>(counted);
  const auto& kernels = token_kernels();
  at::parallel_for(0, rows.count, 1, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      if (wanted[i] == kIgnored) {
        std::fill_n(to + i * rows.bytes, rows.bytes, char{0});
        continue;
      }
      kernels.logit_gradient(
          rows.at(i), to + i * rows.bytes, rows.width, rows.bfloat16,
          {.log_sum = static_cast<float>(sums[i]),
           .every = static_cast<float>(smoothing / static_cast<double>(rows.width)),
           .of_label = static_cast<float>(1 - smoothing),
           .scale = static_cast<float>(scale),
           .label = wanted[i]});
    }
  });
  return dx;
}

// With the dispatcher, so that what watches operators sees them.
TORCH_LIBRARY_FRAGMENT(braid, library) {
  library.def(
      "cross_entropy(Tensor logits, Tensor labels, float smoothing) -> (Tensor, Tensor, int)",
      cross_entropy_forward);
  library.def(
      "cross_entropy_backward(Tensor dy, Tensor logits, Tensor labels, Tensor log_sums, float "
      "smoothing, int counted) -> Tensor",
      cross_entropy_backward);
}

struct FusedCrossEntropy : torch::autograd::Function<FusedCrossEntropy> {
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& logits,
                        const Tensor& labels, double smoothing) {
    static const auto op = operator_named<decltype(cross_entropy_forward)>("braid::cross_entropy");
    const at::AutoDispatchBelowADInplaceOrView below;
    auto [loss, log_sums, counted] = op.call(logits, labels, smoothing);
    context->save_for_backward({logits, labels, log_sums});
    context->saved_data["smoothing"] = smoothing;
    context->saved_data["counted"] = counted;
    return loss;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    check_first_derivative("cross entropy", "composed_cross_entropy");
    static const auto op =
        operator_named<decltype(cross_entropy_backward)>("braid::cross_entropy_backward");
    const auto saved = context->get_saved_variables();
    const at::AutoDispatchBelowADInplaceOrView below;
    return {op.call(gradients[0], saved[0], saved[1], saved[2],
                    context->saved_data["smoothing"].toDouble(),
                    context->saved_data["counted"].toInt()),
            Tensor(), Tensor()};
  }
};

}  // namespace

bool is_cross_entropy_fused(const Tensor& logits, const Tensor& labels) {
  return logits.is_cpu() && logits.dim() == 2 && logits.is_contiguous() &&
         logits.size(1) >= kLeastClasses && logits.size(0) > 0 &&
         (logits.scalar_type() == at::kFloat || logits.scalar_type() == at::kBFloat16) &&
         labels.is_cpu() && labels.dim() == 1 && labels.is_contiguous() &&
         labels.scalar_type() == at::kLong && labels.size(0) == logits.size(0);
}

Tensor composed_cross_entropy(const Tensor& logits, const Tensor& labels, double smoothing) {
  return torch::nn::functional::cross_entropy(
      logits.to(logits.scalar_type() == at::kDouble ? at::kDouble : at::kFloat), labels,
      torch::nn::functional::CrossEntropyFuncOptions().label_smoothing(smoothing));
}

Tensor cross_entropy(const Tensor& logits, const Tensor& labels, double smoothing) {
  return is_cross_entropy_fused(logits, labels)
             ? FusedCrossEntropy::apply(logits, labels, smoothing)
             : composed_cross_entropy(logits, labels, smoothing);
}

}  // namespace braid::ops
