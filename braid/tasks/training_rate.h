// How fast a model trains here.
#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "braid/models/text/text_model.h"
#include "braid/models/vision/image_model.h"

namespace braid::tasks {

// Items per second of forward and backward passes over random images, or texts of `length` tokens,
// by a short measurement that leaves gradients none and running statistics changed: of a model that
// is thrown away. macs: of one item, from which the batch follows.
double training_rate(models::ImageModel& model, int64_t macs, const std::string& dtype);
double training_rate(models::TextEncoder& model, int64_t length, int64_t macs,
                     const std::string& dtype);
// The same for a batch of so many items, whose loss is computed anew by each call.
double training_rate(models::Model& model, int64_t items, const std::string& dtype,
                     const std::function<torch::Tensor()>& loss);

// Texts of made-up tokens, on the model's device.
models::TextInput random_texts(const models::TextEncoder& model, int64_t count, int64_t length);

}  // namespace braid::tasks
