#include "braid/models/text/hidden_act.h"

#include <utility>

#include "braid/core/error.h"
#include "braid/core/near_match.h"

namespace braid::models {
namespace {

// The three forms with a tangent differ in the last digits of a constant only.
const std::vector<std::pair<std::string, nn::Act>>& hidden_acts() {
  static const std::vector<std::pair<std::string, nn::Act>> kNames = {
      {"gelu", nn::Act::kGelu},
      {"gelu_new", nn::Act::kGeluTanh},
      {"gelu_pytorch_tanh", nn::Act::kGeluTanh},
      {"gelu_fast", nn::Act::kGeluTanh},
      {"gelu_python", nn::Act::kGelu},
      {"quick_gelu", nn::Act::kQuickGelu},
      {"relu", nn::Act::kRelu},
      {"relu6", nn::Act::kRelu6},
      {"sigmoid", nn::Act::kSigmoid},
      {"silu", nn::Act::kSilu},
      {"swish", nn::Act::kSilu},
      {"tanh", nn::Act::kTanh},
      {"linear", nn::Act::kIdentity}};
  return kNames;
}

}  // namespace

std::vector<std::string> hidden_act_names() {
  std::vector<std::string> names;
  for (const auto& entry : hidden_acts()) names.push_back(entry.first);
  return names;
}

nn::Act parse_hidden_act(const std::string& name) {
  for (const auto& [known, act] : hidden_acts())
    if (known == name) return act;
  throw ConfigError("models", "unknown activation '" + name + "'", "",
                    did_you_mean(name, hidden_act_names()));
}

}  // namespace braid::models
