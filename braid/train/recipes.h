// Documented default settings per family, for short CPU budgets on small images and longer ones
// alike.
#pragma once
#include "braid/models/registry.h"
#include "braid/train/config.h"

namespace braid::train {

// All: batches of 128, cosine over ten epochs after one of warm-up, label smoothing 0.1, flip and
// pad-crop by 2 pixels (random-resized-crop above 64 pixels); no mixing, which pays only in long
// runs. CNN: nesterov SGD, lr 0.1, decay 5e-4 (He et al., as commonly shortened). Transformer and
// hybrid: AdamW, lr 1e-3, decay 0.05, clipping at 1 (Touvron et al., Hassani et al.).
TrainConfig recipe_for(const models::ModelEntry& entry);

}  // namespace braid::train
