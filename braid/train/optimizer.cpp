#include "braid/train/optimizer.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

#include "braid/core/error.h"

namespace braid::train {
namespace {

constexpr const char* kLookaheadStep = "lookahead_step";  // of all parameters together
constexpr const char* kSlowWeights = "lookahead_slow_buff";

std::set<std::string> names_of_embeddings(const torch::nn::Module& model) {
  std::set<std::string> names;
  for (const auto& module : model.named_modules(/*name_prefix=*/"", /*include_self=*/false))
    if (module.value()->as<torch::nn::Embedding>()) names.insert(module.key() + ".weight");
  return names;
}

// By the last part of its name, whatever module it is of.
bool is_bias(const std::string& name, const torch::Tensor& param) {
  return param.dim() == 1 && (name == "bias" || name.ends_with(".bias"));
}

}  // namespace

std::vector<ParamGroup> make_param_groups(models::Model& model, const OptimizerConfig& config) {
  const auto listed = model.no_weight_decay();
  const std::set<std::string> no_decay(listed.begin(), listed.end());
  const auto embeddings = names_of_embeddings(model);
  // (layer, head, decays, bias with a rate of its own)
  std::map<std::tuple<int64_t, bool, bool, bool>, ParamGroup> groups;
  const int64_t last = model.layer_count() - 1;
  for (const auto& item : model.named_parameters()) {
    const auto& [name, param] = item.pair();
    if (!param.requires_grad()) continue;
    const bool decays = param.dim() > 1 && !no_decay.contains(name);
    const int64_t layer = config.layer_decay < 1 ? model.layer_id(name) : last;
    const bool head = config.head_lr && model.in_head(name);
    const bool bias = config.bias_lr_scale != 1 && is_bias(name, param);
    auto& group = groups[{layer, head, decays, bias}];
    group.names.push_back(name);
    group.params.push_back(param);
    if (embeddings.contains(name)) group.tables.insert(name);
    group.weight_decay = decays ? config.weight_decay : 0;
    group.lr_scale = std::pow(config.layer_decay, static_cast<double>(last - layer)) *
                     (head ? *config.head_lr / config.lr : 1.0) *
                     (bias ? config.bias_lr_scale : 1.0);
  }
  std::vector<ParamGroup> list;
  for (auto& [key, group] : groups) list.push_back(std::move(group));
  return list;
}

torch::Tensor Optimizer::make_state(const std::string& name, const torch::Tensor& param) const {
  if (name == "step") return torch::zeros({}, param.options().dtype(torch::kFloat));
  return torch::zeros_like(param, {}, at::MemoryFormat::Preserve);
}

void Optimizer::step(double lr) {
  torch::NoGradGuard no_grad;
  for (const auto& group : groups_) {
    const auto names = state_names(group);
    Slice slice{
        group, lr * group.lr_scale, {}, {}, std::vector<std::vector<torch::Tensor>>(names.size())};
    for (size_t i = 0; i < group.params.size(); ++i) {
      const auto& param = group.params[i];
      if (!param.grad().defined()) continue;
      slice.params.push_back(param);
      slice.grads.push_back(param.grad());
      for (size_t k = 0; k < names.size(); ++k) {
        auto& tensor = state_[group.names[i] + "." + names[k]];
        if (!tensor.defined()) tensor = make_state(names[k], param);
        slice.state[k].push_back(tensor);
      }
    }
    if (!slice.params.empty()) update(slice);
  }
  if (lookahead_) step_slow_weights();
}

void Optimizer::step_slow_weights() {
  auto& steps = state_[kLookaheadStep];
  if (!steps.defined()) steps = torch::zeros({}, torch::kInt64);
  if (steps.add_(1).item<int64_t>() % lookahead_->k != 0) return;
  for (const auto& group : groups_)
    for (size_t i = 0; i < group.params.size(); ++i) {
      torch::Tensor param = group.params[i];
      if (!param.grad().defined()) continue;
      auto& slow = state_[group.names[i] + "." + kSlowWeights];
      if (!slow.defined()) slow = param.detach().clone();
      slow.add_(param - slow, lookahead_->alpha);
      param.copy_(slow);
    }
}

std::vector<torch::Tensor> Optimizer::parameters() const {
  std::vector<torch::Tensor> all;
  for (const auto& group : groups_) all.insert(all.end(), group.params.begin(), group.params.end());
  return all;
}

void Optimizer::zero_grad() {
  for (const auto& param : parameters()) param.mutable_grad().reset();
}

std::map<std::string, torch::Tensor> Optimizer::state() const { return state_; }

void Optimizer::load_state(const std::map<std::string, torch::Tensor>& state) {
  torch::NoGradGuard no_grad;
  if (const auto it = state.find(kLookaheadStep); lookahead_ && it != state.end()) {
    if (it->second.dim() != 0)
      throw DataError("optimizer", std::string("state '") + kLookaheadStep + "' is not a number");
    state_[kLookaheadStep] = it->second.to(torch::kCPU, torch::kInt64).clone();
  }
  for (const auto& group : groups_) {
    auto names = state_names(group);
    if (lookahead_) names.emplace_back(kSlowWeights);
    for (size_t i = 0; i < group.params.size(); ++i)
      for (const auto& name : names) {
        const std::string key = group.names[i] + "." + name;
        const auto it = state.find(key);
        if (it == state.end()) continue;  // never had a gradient
        auto tensor = make_state(name, group.params[i]);
        if (it->second.sizes() != tensor.sizes())
          throw DataError("optimizer",
                          "state '" + key + "' has another shape than the model's parameter");
        tensor.copy_(it->second);
        state_[key] = tensor;
      }
  }
}

double clip_grad_norm(const Optimizer& optimizer, double max_norm) {
  torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> grads;
  for (const auto& param : optimizer.parameters())
    if (param.grad().defined()) grads.push_back(param.grad());
  if (grads.empty()) return 0;
  const double norm = torch::stack(at::_foreach_norm(grads, 2)).norm().item<double>();
  if (norm > max_norm) at::_foreach_mul_(grads, max_norm / (norm + 1e-6));
  return norm;
}

}  // namespace braid::train
