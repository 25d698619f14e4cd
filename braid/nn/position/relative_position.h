// Attention biases that depend on the relative position of query and key inside a square window.
#pragma once

#include <string>

#include "braid/nn/mlp/mlp.h"
#include "braid/torch.h"

namespace braid::nn {

// table: [(2s-1)^2,h] or [2s-1,2s-1,h], one number per head and offset query - key + s - 1 (rows,
// then columns). Returns [1,h,N,N], N = s * s, queries in the third dimension.
torch::Tensor relative_position_bias(const torch::Tensor& table, int64_t side);

// A table of another window made to fit one of `side` positions, as timm's
// resize_rel_pos_bias_table does it. table: [(2s-1)^2,h] or [h,2s-1,2s-1]; returned as it is where
// its size is right or makes no sense.
torch::Tensor resize_relative_position_table(const torch::Tensor& table, int64_t side);

enum class RelPosType { kBias, kBiasTf, kMlp };
// "bias", "bias_tf", "mlp". Throws ConfigError with near matches for another name.
RelPosType parse_rel_pos_type(const std::string& name);

struct RelPosConfig {
  RelPosType type = RelPosType::kBias;
  int64_t side = 0;  // positions along one side of the window
  int64_t num_heads = 0;
  int64_t hidden_dim = 512;  // of the MLP
};

class RelPosImpl : public torch::nn::Module {
 public:
  virtual torch::Tensor forward() = 0;  // [1,h,N,N], N = side * side
};
TORCH_MODULE(RelPos);

// A learned number per head and offset, timm's RelPosBias; of TensorFlow's MaxViT, RelPosBiasTf:
// the table is [h,2s-1,2s-1] there and its offsets are key - query. Keys:
// relative_position_bias_table.
class RelPosBiasImpl : public RelPosImpl {
 public:
  explicit RelPosBiasImpl(const RelPosConfig& config);
  torch::Tensor forward() override;

  torch::Tensor relative_position_bias_table;

 private:
  RelPosConfig config_;
};
TORCH_MODULE(RelPosBias);

// A small MLP of the offsets' signed logarithms (https://arxiv.org/abs/2111.09883), timm's
// RelPosMlp in mode "cr": its weights fit every window. Keys: mlp.fc1, mlp.fc2.
class RelPosMlpImpl : public RelPosImpl {
 public:
  explicit RelPosMlpImpl(const RelPosConfig& config);
  torch::Tensor forward() override;

  Mlp mlp{nullptr};

 private:
  int64_t side_;
};
TORCH_MODULE(RelPosMlp);

std::shared_ptr<RelPosImpl> make_rel_pos(const RelPosConfig& config);

}  // namespace braid::nn
