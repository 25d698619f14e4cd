// Documented default settings per family, for short CPU budgets on small images and longer ones
// alike.
#pragma once
#include "braid/models/registry.h"
#include "braid/train/config.h"

namespace braid::train {

// All: cosine over ten epochs, the first of them warm-up; flip and pad-crop by 2 pixels
// (random-resized-crop above 64 pixels); no label smoothing and no mixing, which pay only in long
// runs. CNN: nesterov SGD, batch 128, lr 0.1, decay 5e-4 (He et al., as commonly shortened).
// Transformer and hybrid: AdamW, batch 64 (twice the steps for the same images: attention starts
// slowly), lr 1e-3 and twice that for models of small images, decay 0.05, clipping at 1 (Touvron
// et al., Hassani et al.).
TrainConfig recipe_for(const models::ModelEntry& entry);

}  // namespace braid::train
