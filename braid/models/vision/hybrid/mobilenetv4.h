// MobileNetV4 hybrid: universal inverted bottlenecks with multi-query attention between them.
//
// Paper: Qin et al., https://arxiv.org/abs/2404.10518
// Reference: timm's mobilenetv3.py (Apache-2.0); same keys and shapes. As there, the model is
// MobileNetV3's with other blocks and a norm in its head.
// Differences: none in the computation.
#pragma once
#include "braid/models/registry.h"

namespace braid::models {

void add_mobilenetv4(Registry& table);

}  // namespace braid::models
