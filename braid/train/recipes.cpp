#include "braid/train/recipes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "braid/models/text/encoder_decoder.h"
#include "braid/models/text/text_model.h"

namespace braid::train {
namespace {

constexpr double kShort = 15, kMedium = 60;  // passes

// A power of two that leaves enough steps, and several to an epoch.
int64_t batch_size_for(const RecipeFacts& facts, int64_t least, int64_t most) {
  constexpr double kSteps = 800;
  const double items = facts.passes * static_cast<double>(facts.train_items);
  int64_t size = most;
  while (size > least && (items / static_cast<double>(size) < kSteps ||
                          static_cast<double>(size) * 4 > static_cast<double>(facts.train_items)))
    size /= 2;
  return size;
}

// The rate for a network of this size, given that of 100,000 parameters.
double scaled_rate(double rate, int64_t params) {
  constexpr double kParams = 1e5, kExponent = -0.25;
  return rate * std::clamp(std::pow(static_cast<double>(params) / kParams, kExponent), 0.1, 1.0);
}

void from_scratch(TrainConfig& config, const models::ModelEntry& entry, const RecipeFacts& facts) {
  const bool cnn = entry.family == models::Family::kCnn;
  auto& run = config.run;
  run.optimizer.opt = "nmuon";
  run.optimizer.momentum = 0.95;
  run.optimizer.lr = scaled_rate(cnn ? 0.02 : 0.01, facts.params);
  run.optimizer.weight_decay = 0.02;
  run.schedule.sched = "one_cycle";
  run.schedule.pct_start = 0.2;
  run.batch_size = batch_size_for(facts, 32, 256);
  if (!cnn) run.clip_grad = 1;
  config.task.smoothing = 0.1;
  // CNNs gain nothing from it (docs/studies/recipes.md).
  config.task.image.whiten_stem = entry.whitening_stem && entry.family == models::Family::kHybrid;
  auto& augment = config.task.image.augment;
  augment.crop_padding = std::max<int64_t>(1, facts.input_size / 16);
  augment.padding_mode = "reflect";
  if (facts.passes > kShort) {
    augment.reprob = 0.25;
    run.model_ema = true;
    run.model_ema_decay = 0.999;
  }
  if (facts.passes > kMedium) {
    augment.mixup = 0.2;
    augment.cutmix = 1;
    augment.mixup_prob = 0.5;
  }
}

void from_weights(TrainConfig& config, const RecipeFacts& facts) {
  auto& run = config.run;
  run.optimizer.opt = "adamw";
  run.optimizer.lr = 1e-3;
  run.optimizer.weight_decay = 0.05;
  run.optimizer.layer_decay = 0.75;
  run.optimizer.head_lr = 5e-3;  // drawn anew
  run.schedule.sched = "one_cycle";
  run.schedule.pct_start = 0.1;
  run.batch_size = batch_size_for(facts, 16, 64);
  run.clip_grad = 1;
  config.task.smoothing = 0.1;
  auto& augment = config.task.image.augment;
  augment.scale = {0.5, 1.0};
  // Those of few batches are worse than those the weights came with.
  constexpr int64_t kFewImages = 10'000;
  constexpr double kFewPasses = 8;
  run.freeze_bn_stats =
      facts.batch_norms && facts.train_items < kFewImages && facts.passes <= kFewPasses;
}

// Attention's rate falls with the size of the network: at the rate of the smallest, one of four
// times its parameters stays at chance.
double text_rate(models::Family family, int64_t params) {
  constexpr double kCnnRate = 1e-3, kTinyRate = 5e-4, kTinyParams = 1.4e6, kExponent = -0.7;
  if (family == models::Family::kCnn) return kCnnRate;
  return kTinyRate *
         std::clamp(std::pow(static_cast<double>(params) / kTinyParams, kExponent), 0.1, 1.0);
}

// Texts: AdamW, since most of the parameters are a table of which a batch sees few rows.
void of_texts(TrainConfig& config, const models::ModelEntry& entry, const RecipeFacts& facts) {
  const bool cnn = entry.family == models::Family::kCnn;
  auto& run = config.run;
  run.optimizer.opt = "adamw";
  run.optimizer.lr = facts.fine_tuning ? 1e-4 : text_rate(entry.family, facts.params);
  run.optimizer.weight_decay = 0.01;
  run.schedule.sched = "one_cycle";
  run.schedule.pct_start = 0.1;
  run.batch_size = batch_size_for(facts, 16, facts.fine_tuning ? 32 : 64);
  run.clip_grad = 1;
  config.task.drop = cnn ? 0.5 : 0.1;
  if (!cnn) config.task.attn_drop = 0.1;
  if (facts.fine_tuning) {
    run.optimizer.layer_decay = 0.9;
    run.optimizer.head_lr = 1e-3;
  } else if (facts.whole_texts) {
    config.task.text.word_drop = 0.1;
  }
}

// Hidden words, from random weights: no text is seen often enough for dropout to help, and Muon
// learns more from a step (docs/studies/bert.md).
void of_hidden_words(TrainConfig& config, const RecipeFacts& facts) {
  auto& run = config.run;
  run.optimizer.opt = "nmuon";
  run.optimizer.momentum = 0.95;
  run.optimizer.lr = scaled_rate(0.01, facts.params);
  run.optimizer.weight_decay = 0.01;
  run.schedule.sched = "one_cycle";
  run.schedule.pct_start = 0.1;
  run.batch_size = batch_size_for(facts, 16, 32);
  run.clip_grad = 1;
}

// Tokens of a batch of translations: few where passes are few, since a small network learns more
// from many steps than from exact ones.
int64_t batch_tokens_for(const RecipeFacts& facts) {
  constexpr double kSteps = 20'000, kTokensOfPair = 20;
  constexpr int64_t kLeast = 1024, kMost = 4096;
  const double tokens = facts.passes * static_cast<double>(facts.train_items) * kTokensOfPair;
  int64_t size = kMost;
  while (size > kLeast && tokens / static_cast<double>(size) < kSteps) size /= 2;
  return size;
}

// Translations: as fairseq trains its small Transformers, but for a rate that comes down to nothing
// within whatever budget there is, and dropout that hangs on how often a pair is seen.
void of_translations(TrainConfig& config, const RecipeFacts& facts) {
  constexpr double kTinyRate = 2e-3, kTinyParams = 2.6e6, kTinyTokens = 1024, kExponent = -0.7;
  constexpr double kFewPasses = 30, kManyPasses = 100;
  auto& run = config.run;
  const int64_t tokens = batch_tokens_for(facts);
  run.optimizer.opt = "adamw";
  run.optimizer.opt_betas = {0.9, 0.98};
  run.optimizer.lr =
      facts.fine_tuning
          ? 5e-5
          : kTinyRate * std::sqrt(static_cast<double>(tokens) / kTinyTokens) *
                std::clamp(std::pow(static_cast<double>(facts.params) / kTinyParams, kExponent),
                           0.1, 1.0);
  run.optimizer.weight_decay = 1e-4;
  run.schedule.sched = "one_cycle";
  run.schedule.pct_start = 0.1;
  run.clip_grad = 1;
  config.task.smoothing = 0.1;
  config.task.drop = facts.passes <= kFewPasses ? 0.1 : facts.passes <= kManyPasses ? 0.2 : 0.3;
  config.task.translation.max_tokens = tokens;
}

}  // namespace

Recipe recipe_for(const models::ModelEntry& entry, const RecipeFacts& facts) {
  Recipe recipe;
  recipe.config.task.model = entry.name;
  const std::string reach =
      fmt::format("{:.3g} passes over {} training items", facts.passes, facts.train_items);
  const bool texts = entry.kind == models::TextEncoder::kKind;
  const bool translations = entry.kind == models::EncoderDecoder::kKind;
  const bool hidden_words = facts.hidden_words && !facts.fine_tuning;
  if (texts && hidden_words) of_hidden_words(recipe.config, facts);
  if (texts && !hidden_words) of_texts(recipe.config, entry, facts);
  if (translations) of_translations(recipe.config, facts);
  if (facts.fine_tuning) {
    if (!texts && !translations) from_weights(recipe.config, facts);
    recipe.name = "fine-tune";
    recipe.reason = "published weights, " + reach;
  } else {
    if (!texts && !translations) from_scratch(recipe.config, entry, facts);
    recipe.name = facts.passes <= kShort ? "short" : facts.passes <= kMedium ? "medium" : "long";
    recipe.reason = fmt::format("random weights, {}, {} parameters", reach, facts.params);
  }
  return recipe;
}

}  // namespace braid::train
