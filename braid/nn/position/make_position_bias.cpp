#include "braid/nn/position/make_position_bias.h"

#include "braid/core/error.h"
#include "braid/nn/position/attention_bias_table.h"
#include "braid/nn/position/relative_position.h"

namespace braid::nn {

std::shared_ptr<PositionBiasImpl> make_position_bias(const PositionBiasConfig& config,
                                                     int64_t num_heads) {
  switch (config.type) {
    case PositionBiasType::kNone:
      return nullptr;
    case PositionBiasType::kRelative:
    case PositionBiasType::kRelativeTf:
      return std::make_shared<RelativePositionBiasImpl>(
          config.grid_size, num_heads, config.type == PositionBiasType::kRelativeTf);
    case PositionBiasType::kRelativeMlp:
      return std::make_shared<RelativePositionMlpImpl>(config.grid_size, num_heads,
                                                       config.hidden_dim);
    case PositionBiasType::kTable:
      return std::make_shared<AttentionBiasTableImpl>(config.grid_size, num_heads);
  }
  return nullptr;
}

}  // namespace braid::nn
