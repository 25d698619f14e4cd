#include "braid/nn/position/position_bias.h"

#include "braid/core/error.h"
#include "braid/core/near_match.h"

namespace braid::nn {

PositionBiasType parse_rel_pos_type(const std::string& name) {
  if (name == "bias") return PositionBiasType::kRelative;
  if (name == "bias_tf") return PositionBiasType::kRelativeTf;
  if (name == "mlp") return PositionBiasType::kRelativeMlp;
  throw ConfigError("models", "unknown rel_pos_type '" + name + "'", "",
                    did_you_mean(name, {"bias", "bias_tf", "mlp"}));
}

}  // namespace braid::nn
