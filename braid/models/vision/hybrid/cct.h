// CCT, the Compact Convolutional Transformer: a convolutional tokenizer, then a Transformer with
// sequence pooling.
//
// Paper: Hassani et al., https://arxiv.org/abs/2104.05704
// Reference: https://github.com/SHI-Labs/Compact-Transformers (Apache-2.0); same keys and shapes.
// Differences: dropout rates default to 0 here, recipes set them.
#pragma once
#include "braid/models/registry.h"
#include "braid/models/vision/compact.h"

namespace braid::models {

struct CCTConfig {
  int64_t num_classes = 1000;
  int64_t in_chans = 3;
  int64_t img_size = 32;  // pixels
  int64_t conv_layers = 1;
  int64_t kernel_size = 3;
  int64_t embed_dim = 256;
  int64_t depth = 7;
  int64_t num_heads = 4;
  double mlp_ratio = 2.0;
  double drop_rate = 0;
  double attn_drop_rate = 0;
  double drop_path_rate = 0;
  void visit(FieldVisitor& v);
};

class CCT : public ModelOf<CCTConfig, CompactModel> {
 public:
  explicit CCT(const CCTConfig& config);
};

void add_cct(Registry& table);

}  // namespace braid::models
