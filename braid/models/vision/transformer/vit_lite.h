// ViT-Lite: a small Vision Transformer for small images.
//
// Paper: Hassani et al., https://arxiv.org/abs/2104.05704 (section 3.2)
// Reference: https://github.com/SHI-Labs/Compact-Transformers (Apache-2.0); same keys and shapes.
// Differences: dropout rates default to 0 here, recipes set them; images that the patch does not
// divide are padded.
#pragma once
#include "braid/models/registry.h"
#include "braid/models/vision/compact.h"

namespace braid::models {

struct ViTLiteConfig {
  int64_t num_classes = 1000;
  int64_t in_chans = 3;
  int64_t img_size = 32;  // pixels
  int64_t patch_size = 4;
  int64_t embed_dim = 256;
  int64_t depth = 7;
  int64_t num_heads = 4;
  double mlp_ratio = 2.0;
  double drop_rate = 0;
  double attn_drop_rate = 0;
  double drop_path_rate = 0;
  void visit(FieldVisitor& v);
};

class ViTLite : public ModelOf<ViTLiteConfig, CompactModel> {
 public:
  explicit ViTLite(const ViTLiteConfig& config);
};

void add_vit_lite(Registry& table);

}  // namespace braid::models
