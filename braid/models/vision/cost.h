// What an image model costs.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
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

// An architecture with its own classifier, on one image of its own input size, as it is trained.
struct OwnCost {
  int64_t params = 0;
  int64_t macs = 0;
  bool operator==(const OwnCost&) const = default;
};
// Of the library's architectures, counted once, since building them all takes ten seconds: from
// known_costs.inc, which a test holds against the models and writes anew where it differs. None for
// an architecture that a user of the library added.
std::optional<OwnCost> known_cost(const std::string& name);
// Builds the model and counts.
OwnCost count_own_cost(const std::string& name);

}  // namespace braid::models
