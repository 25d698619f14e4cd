// How fast a model trains here.
#pragma once
#include <cstdint>
#include <string>

#include "braid/models/vision/image_model.h"

namespace braid::tasks {

// Images per second of forward and backward passes over random images, by a short measurement that
// leaves gradients none and running statistics changed: of a model that is thrown away.
// macs: of one image, from which the batch follows.
double training_rate(models::ImageModel& model, int64_t macs, const std::string& dtype);

}  // namespace braid::tasks
