// Layers that fine-tuning leaves as they are, for a while or for good.
//
// What --freeze may say: "backbone", everything but the classifier; a number K, the first K layers
// by Model::layer_id, the stem being the first; nothing, an empty text. With --freeze-epochs that
// holds for the first epochs only, as fastai's fine_tune() has it: the classifier, which is drawn
// anew, learns before what it stands on may move (linear probing, then fine-tuning: Kumar et al.,
// https://arxiv.org/abs/2202.10054).
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "braid/core/progress.h"
#include "braid/models/model.h"

namespace braid::train {

// Throws ConfigError for any other text.
void check_freeze(const std::string& freeze);

bool is_frozen(const models::Model& model, const std::string& parameter, const std::string& freeze);

// Takes the gradients from the frozen parameters, so that they get no optimizer state either, and
// says so in a line. Returns those that had one. Throws ConfigError where nothing would be left to
// train.
std::vector<torch::Tensor> freeze_layers(models::Model& model, const std::string& freeze,
                                         Progress& progress);

struct Frozen {
  std::string layers;  // as --freeze says
  // Every batch norm normalizes by its running statistics, and keeps them; its weight and bias are
  // trained, unless its layer is frozen.
  bool bn_stats = false;
};
// model.train(), but batch norms in frozen layers, with bn_stats all of them, stay in eval mode.
// Dropout and stochastic depth work there as elsewhere.
void set_training_mode(models::Model& model, const Frozen& frozen);

}  // namespace braid::train
