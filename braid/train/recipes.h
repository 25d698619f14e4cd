// Documented default settings per family, for short CPU budgets on small images and longer ones
// alike.
#pragma once
#include "braid/models/registry.h"
#include "braid/train/config.h"

namespace braid::train {

// CNN: nesterov SGD, lr 0.1 per 128 images, cosine after one warm-up epoch in ten, decay 5e-4 (He
// et al., as commonly shortened). Transformer and hybrid: AdamW, lr 1e-3 per 128 images, decay
// 0.05, clipping at 1, label smoothing 0.1 (Touvron et al., Hassani et al.). All: flip and
// pad-crop; no mixing, which pays only in long runs.
TrainConfig recipe_for(const models::ModelEntry& entry);

}  // namespace braid::train
