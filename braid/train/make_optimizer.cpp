#include "braid/train/make_optimizer.h"

#include <cmath>

#include "braid/core/error.h"
#include "braid/train/muon.h"

namespace braid::train {
namespace {

// torch.optim.SGD through its fused kernel.
class Sgd final : public Optimizer {
 public:
  Sgd(std::vector<ParamGroup> groups, double momentum, bool nesterov)
      : Optimizer(std::move(groups)), momentum_(momentum), nesterov_(nesterov) {}

 private:
  std::vector<std::string> state_names(const ParamGroup&) const override {
    return momentum_ > 0 ? std::vector<std::string>{"momentum_buffer"} : std::vector<std::string>{};
  }
  void update(Slice& s) override {
    // A zero buffer gives momentum * 0 + gradient, which is the first step's buffer: no special
    // case.
    const auto buffers = momentum_ > 0 ? s.state[0] : std::vector<torch::Tensor>{};
    at::_fused_sgd_(s.params, s.grads, buffers, s.group.weight_decay, momentum_, s.lr,
                    /*dampening=*/0, nesterov_ && momentum_ > 0,
                    /*maximize=*/false, /*is_first_step=*/false);
  }
  double momentum_;
  bool nesterov_;
};

// torch.optim.AdamW (https://arxiv.org/abs/1711.05101) through its fused kernel.
class AdamW final : public Optimizer {
 public:
  AdamW(std::vector<ParamGroup> groups, double beta1, double beta2, double eps)
      : Optimizer(std::move(groups)), beta1_(beta1), beta2_(beta2), eps_(eps) {}

 private:
  std::vector<std::string> state_names(const ParamGroup&) const override {
    return {"exp_avg", "exp_avg_sq", "step"};
  }
  void update(Slice& s) override {
    at::_foreach_add_(s.state[2], 1);
    at::_fused_adamw_(s.params, s.grads, s.state[0], s.state[1], {}, s.state[2], s.lr, beta1_,
                      beta2_, s.group.weight_decay, eps_, /*amsgrad=*/false, /*maximize=*/false);
  }
  double beta1_, beta2_, eps_;
};

// LAMB (https://arxiv.org/abs/1904.00962) as in timm: no clipping of its own, trust ratio only
// where there is decay.
class Lamb final : public Optimizer {
 public:
  Lamb(std::vector<ParamGroup> groups, double beta1, double beta2, double eps)
      : Optimizer(std::move(groups)), beta1_(beta1), beta2_(beta2), eps_(eps) {}

 private:
  std::vector<std::string> state_names(const ParamGroup&) const override {
    return {"exp_avg", "exp_avg_sq", "step"};
  }
  void update(Slice& s) override {
    for (size_t i = 0; i < s.params.size(); ++i) {
      auto &p = s.params[i], &g = s.grads[i], &m = s.state[0][i], &v = s.state[1][i];
      const double t = s.state[2][i].add_(1).item<double>();
      m.mul_(beta1_).add_(g, 1 - beta1_);
      v.mul_(beta2_).addcmul_(g, g, 1 - beta2_);
      const double correction1 = 1 - std::pow(beta1_, t), correction2 = 1 - std::pow(beta2_, t);
      auto update = (m / correction1).div_((v.sqrt() / std::sqrt(correction2)).add_(eps_));
      if (s.group.weight_decay != 0) {
        update.add_(p, s.group.weight_decay);
        const double p_norm = p.norm().item<double>(), u_norm = update.norm().item<double>();
        if (p_norm > 0 && u_norm > 0) update.mul_(p_norm / u_norm);
      }
      p.add_(update, -s.lr);
    }
  }
  double beta1_, beta2_, eps_;
};

// Lion (https://arxiv.org/abs/2302.06675) as in timm.
class Lion final : public Optimizer {
 public:
  Lion(std::vector<ParamGroup> groups, double beta1, double beta2)
      : Optimizer(std::move(groups)), beta1_(beta1), beta2_(beta2) {}

 private:
  std::vector<std::string> state_names(const ParamGroup&) const override { return {"exp_avg"}; }
  void update(Slice& s) override {
    for (size_t i = 0; i < s.params.size(); ++i) {
      auto &p = s.params[i], &g = s.grads[i], &m = s.state[0][i];
      p.mul_(1 - s.lr * s.group.weight_decay);
      p.add_((m * beta1_).add_(g, 1 - beta1_).sign_(), -s.lr);
      m.lerp_(g, 1 - beta2_);
    }
  }
  double beta1_, beta2_;
};

}  // namespace

std::unique_ptr<Optimizer> make_optimizer(std::vector<ParamGroup> groups,
                                          const OptimizerConfig& config, bool bfloat16) {
  if (const std::string prefix = kLookahead; config.opt.starts_with(prefix)) {
    auto inner = config;
    inner.opt = config.opt.substr(prefix.size());
    auto optimizer = make_optimizer(std::move(groups), inner, bfloat16);
    optimizer->look_ahead({});
    return optimizer;
  }
  const auto beta = [&](size_t i, double otherwise) {
    return config.opt_betas.empty() ? otherwise : config.opt_betas.at(i);
  };
  if (config.opt == "sgd" || config.opt == "nesterov")
    return std::make_unique<Sgd>(std::move(groups), config.momentum, config.opt == "nesterov");
  if (config.opt == "adamw")
    return std::make_unique<AdamW>(std::move(groups), beta(0, 0.9), beta(1, 0.999),
                                   config.opt_eps.value_or(1e-8));
  if (config.opt == "lamb")
    return std::make_unique<Lamb>(std::move(groups), beta(0, 0.9), beta(1, 0.999),
                                  config.opt_eps.value_or(1e-6));
  if (config.opt == "lion")
    return std::make_unique<Lion>(std::move(groups), beta(0, 0.9), beta(1, 0.99));
  if (config.opt == "muon" || config.opt == "nmuon")
    return std::make_unique<Muon>(std::move(groups),
                                  MuonOptions{.momentum = config.momentum,
                                              .nesterov = config.opt == "nmuon",
                                              .beta1 = beta(0, 0.9),
                                              .beta2 = beta(1, 0.95),
                                              .eps = config.opt_eps.value_or(1e-7),
                                              .bfloat16 = bfloat16});
  throw ConfigError("train", "unknown optimizer '" + config.opt + "'", "--opt");
}

}  // namespace braid::train
