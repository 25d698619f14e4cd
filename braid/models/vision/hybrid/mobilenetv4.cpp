#include "braid/models/vision/hybrid/mobilenetv4.h"

#include "braid/models/vision/cnn/mobilenetv3.h"
#include "braid/models/vision/inputs.h"

namespace braid::models {

void add_mobilenetv4(Registry& table) {
  const MobileNetV3Config medium{
      .img_size = 256,
      .arch_def =
          {"er_k3_s2_e4_c48",  //
           "uir_a3_k5_s2_e4_c80 uir_a3_k3_s1_e2_c80",
           "uir_a3_k5_s2_e6_c160 uir_a0_k0_s1_e2_c160 uir_a3_k3_s1_e4_c160 uir_a3_k5_s1_e4_c160 "
           "mqa_k3_h4_s1_v2_d64_c160 uir_a3_k3_s1_e4_c160 mqa_k3_h4_s1_v2_d64_c160 "
           "uir_a3_k0_s1_e4_c160 mqa_k3_h4_s1_v2_d64_c160 uir_a3_k3_s1_e4_c160 "
           "mqa_k3_h4_s1_v2_d64_c160 uir_a3_k0_s1_e4_c160",
           "uir_a5_k5_s2_e6_c256 uir_a5_k5_s1_e4_c256 uir_a3_k5_s1_e4_c256 uir_a3_k5_s1_e4_c256 "
           "uir_a0_k0_s1_e2_c256 uir_a3_k5_s1_e2_c256 uir_a0_k0_s1_e2_c256 uir_a0_k0_s1_e4_c256 "
           "mqa_k3_h4_s1_d64_c256 uir_a3_k0_s1_e4_c256 mqa_k3_h4_s1_d64_c256 "
           "uir_a5_k5_s1_e4_c256 mqa_k3_h4_s1_d64_c256 uir_a5_k0_s1_e4_c256 "
           "mqa_k3_h4_s1_d64_c256 uir_a5_k0_s1_e4_c256",
           "cn_k1_s1_c960"},
      .depths = {1, 2, 12, 16, 1},
      .stem_size = 32,
      .head_norm = true,
      .act_layer = "relu",
      .layer_scale_init_value = 1e-5};
  table.add(make_entry<MobileNetV3>("mobilenetv4_hybrid_medium", Family::kHybrid,
                                    Fusion::kInterleaved, imagenet_input(256, 0.95), medium));
}

}  // namespace braid::models
