// What an image model costs.
#pragma once
#include <cstdint>
#include <vector>

#include "braid/models/vision/image_model.h"

namespace braid::models {

// Multiply-accumulates of one forward pass in eval mode. shape: [B,C,H,W].
int64_t count_macs(ImageModel& model, const std::vector<int64_t>& shape);

struct Cost {
  int64_t params = 0;      // in the form for inference, see Model::reparameterize()
  int64_t macs = 0;        // of one forward pass in that form
  int64_t train_macs = 0;  // of one forward pass in the form that is trained
};
// Reparameterizes the model, which is in eval mode afterwards. shape: [B,C,H,W].
Cost count_cost(ImageModel& model, const std::vector<int64_t>& shape);

}  // namespace braid::models
