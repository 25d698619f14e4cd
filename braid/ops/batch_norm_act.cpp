#include "braid/ops/batch_norm_act.h"

#include <torch/library.h>

#include <cmath>

#include "braid/ops/activation.h"
#include "braid/ops/batch_norm_act_cpu.h"
#include "braid/ops/first_derivative.h"
#include "braid/ops/operator_named.h"

namespace braid::ops {
namespace {

using torch::Tensor;

Pixels pixels_of(const Tensor& x) {
  return {x.numel() / x.size(1), x.size(1), x.scalar_type() == at::kBFloat16};
}

// What makes z of x in float32, from the mean and 1 / sqrt(variance + eps).
struct Scaled {
  Scaled(const Tensor& mean_, const Tensor& rstd, const Tensor& weight, const Tensor& bias_)
      : mean(mean_), scale(weight * rstd), bias(bias_.contiguous()) {}
  Affine affine() const {
    return {mean.const_data_ptr<float>(), scale.const_data_ptr<float>(),
            bias.const_data_ptr<float>()};
  }

  Tensor mean, scale, bias;
};

// y, and the batch's mean and 1 / sqrt(variance + eps).
std::tuple<Tensor, Tensor, Tensor> forward_cpu(const Tensor& x, const Tensor& weight,
                                               const Tensor& bias,
                                               const std::optional<Tensor>& running_mean,
                                               const std::optional<Tensor>& running_var,
                                               double momentum, double eps, int64_t activation) {
  const Pixels pixels = pixels_of(x);
  const BatchNormActPasses passes(batch_norm_act_kernels(), pixels);
  const Moments moments = passes.moments(x.const_data_ptr());
  Tensor mean = at::empty_like(weight), rstd = at::empty_like(weight);
  float *means = mean.mutable_data_ptr<float>(), *rstds = rstd.mutable_data_ptr<float>();
  float* running_means = running_mean ? running_mean->mutable_data_ptr<float>() : nullptr;
  float* running_vars = running_var ? running_var->mutable_data_ptr<float>() : nullptr;
  const double unbiased = static_cast<double>(pixels.rows) / static_cast<double>(pixels.rows - 1);
  const auto moved = [momentum](float old, double found) {
    return static_cast<float>(momentum * found + (1 - momentum) * old);
  };
  for (size_t c = 0; c < moments.mean.size(); ++c) {
    means[c] = static_cast<float>(moments.mean[c]);
    rstds[c] = static_cast<float>(1 / std::sqrt(moments.variance[c] + eps));
    if (running_means != nullptr) running_means[c] = moved(running_means[c], moments.mean[c]);
    if (running_vars != nullptr)
      running_vars[c] = moved(running_vars[c], moments.variance[c] * unbiased);
  }
  Tensor y = at::empty_like(x);
  const Scaled scaled(mean, rstd, weight, bias);
  passes.apply(x.const_data_ptr(), y.mutable_data_ptr(), scaled.affine(),
               static_cast<Activation>(activation));
  return {y, mean, rstd};
}

// Gradients of x (none where it is not needed), weight and bias.
std::tuple<Tensor, Tensor, Tensor> backward_cpu(const Tensor& dy, const Tensor& x,
                                                const Tensor& weight, const Tensor& bias,
                                                const Tensor& mean, const Tensor& rstd,
                                                int64_t activation, bool x_needs_it) {
  const Pixels pixels = pixels_of(x);
  const BatchNormActPasses passes(batch_norm_act_kernels(), pixels);
  const Scaled scaled(mean, rstd, weight, bias);
  const auto act = static_cast<Activation>(activation);
  std::vector<double> sums(static_cast<size_t>(pixels.chans)), products(sums);
  passes.reduce(dy.const_data_ptr(), x.const_data_ptr(), scaled.affine(), act, sums.data(),
                products.data());
  Tensor dweight = at::empty_like(weight), dbias = at::empty_like(weight);
  std::vector<float> slope(sums.size()), offset(sums.size());
  const float* rstds = rstd.const_data_ptr<float>();
  const float* scales = scaled.scale.const_data_ptr<float>();
  const double share = 1 / static_cast<double>(pixels.rows);
  for (size_t c = 0; c < sums.size(); ++c) {
    const double of_weight = products[c] * rstds[c];
    dweight.mutable_data_ptr<float>()[c] = static_cast<float>(of_weight);
    dbias.mutable_data_ptr<float>()[c] = static_cast<float>(sums[c]);
    slope[c] = static_cast<float>(-scales[c] * rstds[c] * of_weight * share);
    offset[c] = static_cast<float>(-scales[c] * sums[c] * share);
  }
  Tensor dx;
  if (x_needs_it) {
    dx = at::empty_like(x);
    passes.gradient(dy.const_data_ptr(), x.const_data_ptr(), dx.mutable_data_ptr(), scaled.affine(),
                    act, slope.data(), offset.data());
  }
  return {dx, dweight, dbias};
}

// With the dispatcher, so that what watches operators sees them.
TORCH_LIBRARY_FRAGMENT(braid, library) {
  library.def(
      "batch_norm_act(Tensor x, Tensor weight, Tensor bias, Tensor? running_mean, Tensor? "
      "running_var, float momentum, float eps, int activation) -> (Tensor, Tensor, Tensor)",
      forward_cpu);
  library.def(
      "batch_norm_act_backward(Tensor dy, Tensor x, Tensor weight, Tensor bias, Tensor mean, "
      "Tensor rstd, int activation, bool x_needs_it) -> (Tensor, Tensor, Tensor)",
      backward_cpu);
}

struct FusedBatchNormAct : torch::autograd::Function<FusedBatchNormAct> {
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& x,
                        const Tensor& weight, const Tensor& bias, const BatchNormStats& stats,
                        Activation activation) {
    static const auto op = operator_named<decltype(forward_cpu)>("braid::batch_norm_act");
    const at::AutoDispatchBelowADInplaceOrView below;
    auto [y, mean, rstd] = op.call(x, weight, bias, where_defined(stats.running_mean),
                                   where_defined(stats.running_var), stats.momentum, stats.eps,
                                   static_cast<int64_t>(activation));
    context->save_for_backward({x, weight, bias, mean, rstd});
    context->saved_data["activation"] = static_cast<int64_t>(activation);
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    check_first_derivative("fused batch norm", "composed_batch_norm_act");
    static const auto op = operator_named<decltype(backward_cpu)>("braid::batch_norm_act_backward");
    const auto saved = context->get_saved_variables();
    const Tensor& x = saved[0];
    const Tensor dy = gradients[0].to(x.scalar_type()).contiguous(at::MemoryFormat::ChannelsLast);
    const at::AutoDispatchBelowADInplaceOrView below;
    auto [dx, dweight, dbias] =
        op.call(dy, x, saved[1], saved[2], saved[3], saved[4],
                context->saved_data["activation"].toInt(), context->needs_input_grad(0));
    return {dx, dweight, dbias, {}, {}};
  }
};

}  // namespace

bool is_fused(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const BatchNormStats& stats) {
  const auto of_channels = [&](const Tensor& t) {
    return t.defined() && t.is_cpu() && t.scalar_type() == at::kFloat && t.is_contiguous() &&
           t.numel() == x.size(1);
  };
  const auto is_running = [&](const Tensor& t) { return !t.defined() || of_channels(t); };
  return stats.training && x.is_cpu() && x.dim() == 4 && x.numel() > x.size(1) &&
         (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16) &&
         x.is_contiguous(at::MemoryFormat::ChannelsLast) && of_channels(weight) &&
         of_channels(bias) && is_running(stats.running_mean) && is_running(stats.running_var);
}

Tensor composed_batch_norm_act(const Tensor& x, const Tensor& weight, const Tensor& bias,
                               const BatchNormStats& stats, Activation activation) {
  return composed_activate(
      at::batch_norm(x, weight, bias, stats.running_mean, stats.running_var, stats.training,
                     stats.momentum, stats.eps, at::globalContext().userEnabledCuDNN()),
      activation);
}

Tensor batch_norm_act(const Tensor& x, const Tensor& weight, const Tensor& bias,
                      const BatchNormStats& stats, Activation activation) {
  if (!is_fused(x, weight, bias, stats))
    return composed_batch_norm_act(x, weight, bias, stats, activation);
  return FusedBatchNormAct::apply(x, weight, bias, stats, activation);
}

}  // namespace braid::ops
