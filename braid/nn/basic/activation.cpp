#include "braid/nn/basic/activation.h"

#include "braid/core/error.h"
#include "braid/core/near_match.h"
#include "braid/nn/basic/own_operators.h"
#include "braid/ops/activation.h"

namespace braid::nn {
namespace {

const std::vector<std::pair<std::string, Act>>& named_acts() {
  static const std::vector<std::pair<std::string, Act>> kNames = {
      {"identity", Act::kIdentity},
      {"relu", Act::kRelu},
      {"relu6", Act::kRelu6},
      {"silu", Act::kSilu},
      {"gelu", Act::kGelu},
      {"gelu_tanh", Act::kGeluTanh},
      {"quick_gelu", Act::kQuickGelu},
      {"hard_swish", Act::kHardSwish},
      {"sigmoid", Act::kSigmoid},
      {"hard_sigmoid", Act::kHardSigmoid},
      {"tanh", Act::kTanh}};
  return kNames;
}

torch::Tensor activate_fast(const torch::Tensor& x, ops::Activation activation) {
  const bool in_training = x.requires_grad() && at::GradMode::is_enabled();
  return in_training || OwnOperators::in_scope() ? ops::activate(x, activation)
                                                 : ops::composed_activate(x, activation);
}

}  // namespace

std::vector<std::string> act_names() {
  std::vector<std::string> names;
  for (const auto& [name, act] : named_acts()) names.push_back(name);
  return names;
}

Act parse_act(const std::string& name) {
  for (const auto& [known_name, act] : named_acts())
    if (known_name == name) return act;
  throw ConfigError("models", "unknown activation '" + name + "'", "",
                    did_you_mean(name, act_names()));
}

torch::Tensor activate(const torch::Tensor& x, Act act) {
  switch (act) {
    case Act::kIdentity:
      return x;
    case Act::kRelu:
      return at::relu(x);
    case Act::kRelu6:
      return at::clamp(x, 0, 6);
    case Act::kSilu:
      return activate_fast(x, ops::Activation::kSilu);
    case Act::kGelu:
      return activate_fast(x, ops::Activation::kGelu);
    case Act::kGeluTanh:
      return at::gelu(x, "tanh");
    case Act::kQuickGelu:
      return x * at::sigmoid(1.702 * x);
    case Act::kHardSwish:
      return at::hardswish(x);
    case Act::kSigmoid:
      return at::sigmoid(x);
    case Act::kHardSigmoid:
      return at::hardsigmoid(x);
    case Act::kTanh:
      return at::tanh(x);
  }
  return x;
}

}  // namespace braid::nn
