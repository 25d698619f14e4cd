// Layers that fine-tuning leaves as they are.
//
// What --freeze may say: "backbone", everything but the classifier; a number K, the first K layers
// by Model::layer_id, the stem being the first; nothing, an empty text.
#pragma once
#include <string>

#include "braid/core/progress.h"
#include "braid/models/model.h"

namespace braid::train {

// Throws ConfigError for any other text.
void check_freeze(const std::string& freeze);

bool is_frozen(const models::Model& model, const std::string& parameter, const std::string& freeze);

// Takes the gradients from the frozen parameters, so that they get no optimizer state either, and
// says so in a line. Throws ConfigError where nothing would be left to train.
void freeze_layers(models::Model& model, const std::string& freeze, Progress& progress);

// model.train(), but what keeps running statistics (batch norm) in frozen layers stays in eval
// mode. Dropout and stochastic depth work there as elsewhere.
void set_training_mode(models::Model& model, const std::string& freeze);

}  // namespace braid::train
