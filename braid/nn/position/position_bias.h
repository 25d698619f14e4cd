// What an attention adds to its products for the positions of query and key.
#pragma once

#include <memory>
#include <string>

#include "braid/torch.h"

namespace braid::nn {

enum class PositionBiasType {
  kNone,
  kRelative,     // a learned number per head and offset, rows first: RelativePositionBias
  kRelativeTf,   // the same as TensorFlow's MaxViT stores it
  kRelativeMlp,  // a small MLP of the offset: RelativePositionMlp
  kTable         // a learned number per head and distance: AttentionBiasTable
};
// timm's names of the relative ones: "bias", "bias_tf", "mlp". Throws ConfigError with near matches
// for another name.
PositionBiasType parse_rel_pos_type(const std::string& name);

struct PositionBiasConfig {
  PositionBiasType type = PositionBiasType::kNone;
  int64_t grid_size = 0;      // positions along one side of the square that attention sees
  int64_t hidden_dim = 512;   // channels inside kRelativeMlp
  const char* key = nullptr;  // of the module; unset: its parameters are the attention's own
};

class PositionBiasImpl : public torch::nn::Module {
 public:
  virtual torch::Tensor
  forward() = 0;  // [1,h,N,N], N = grid_size^2, queries in the third dimension
};

}  // namespace braid::nn
