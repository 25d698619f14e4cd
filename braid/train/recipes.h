// Settings that follow from the model, the data and the budget.
#pragma once
#include <cstdint>
#include <string>

#include "braid/models/registry.h"
#include "braid/train/config.h"

namespace braid::train {

// What a recipe hangs on.
struct RecipeFacts {
  double passes = 10;            // over the training data that the budget affords
  int64_t train_items = 50'000;  // training images
  int64_t params = 1'000'000;
  int64_t input_size = 32;    // of the model: pixels along one side, tokens
  bool fine_tuning = false;   // from published weights
  bool batch_norms = false;   // of the model
  bool hidden_words = false;  // are learned, not labels
  bool whole_texts = false;   // have the labels, so that a text may lose words
};

struct Recipe {
  std::string name;    // short, medium, long, fine-tune
  std::string reason;  // in a sentence: what it follows from
  TrainConfig config;
};

// The rule, and what it rests on, is docs/studies/recipes.md:
//   short      up to 15 passes: Muon with Nesterov momentum at a large rate, one cycle, label
//              smoothing 0.1, flips and shifts
//   medium     up to 60: the same with random erasing and an average of the weights
//   long       beyond: mixup and cutmix too
//   fine-tune  AdamW at a small rate that falls from the head down, with warm-up and light
//              augmentation; over few images seldom seen batch norms keep the
//              statistics of the weights
// Texts: AdamW in one cycle, dropout, where a label is of a whole text words left out at random;
// the same names. Hidden words: Muon, no dropout.
// Batches are as large as leaves some hundred steps. Throws UsageError for a model that is of no
// known kind.
Recipe recipe_for(const models::ModelEntry& entry, const RecipeFacts& facts);

}  // namespace braid::train
