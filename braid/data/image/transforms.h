// Image transforms on bytes, run in the loader's worker threads. Parameters have timm's names and
// meanings.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "braid/core/config.h"
#include "braid/data/image/input_config.h"
#include "braid/data/random.h"
#include "braid/io/image.h"

namespace braid::data {

// Training augmentation; evaluation uses none of it. Flags are timm's.
struct AugmentConfig {
  bool no_aug = false;
  std::string train_crop = "auto";
  std::vector<double> scale = {0.08, 1.0};
  std::vector<double> ratio = {3.0 / 4, 4.0 / 3};
  int64_t crop_padding = 4;
  std::string padding_mode = "constant";
  double hflip = 0.5;
  bool alternate_flip = false;
  std::string aa{};
  double reprob = 0.0;
  double mixup = 0.0;
  double cutmix = 0.0;
  double mixup_prob = 1.0;
  double mixup_switch_prob = 0.5;
  void visit(FieldVisitor& v);
};

// Throws ConfigError naming the field.
void validate(const AugmentConfig& augment);

// timm's RandAugment, parsed from "rand-m9-n2-mstd0.5-inc1".
struct RandAugmentConfig {
  double magnitude = 10;     // 0 to 10
  int64_t layers = 2;        // operations per image
  double magnitude_std = 0;  // of a normal around the magnitude
  double probability = 0.5;  // of each operation
  bool increasing = false;   // severity rises with magnitude for every operation
};
// Throws ConfigError for anything that is not of that form; empty gives the defaults.
RandAugmentConfig parse_rand_augment(const std::string& text);
void rand_augment(io::Image& image, const RandAugmentConfig& config, const InputConfig& input,
                  Random& random);

// Bytes of exactly input.height x input.width x input.channels. crop_mode says what is resized to
// size / crop_pct before the centre is taken: center the shorter side, border the longer one (the
// rest is filled with the mean), squash both sides.
io::Image prepare_for_evaluation(const io::Image& image, const InputConfig& input);
// mirrored: whether it is flipped; unset: by chance, with augment.hflip. Draws as many numbers
// either way.
io::Image prepare_for_training(const io::Image& image, const InputConfig& input,
                               const AugmentConfig& augment, Random& random,
                               std::optional<bool> mirrored = {});
// Whether training crops at random rather than seeing what evaluation sees, then moved: only the
// latter can be prepared once for all epochs.
bool crops_randomly(const AugmentConfig& augment, const InputConfig& input);
// prepare_for_training of an image that went through prepare_for_evaluation, which must not crop
// randomly.
io::Image augment_prepared(io::Image image, const InputConfig& input, const AugmentConfig& augment,
                           Random& random, std::optional<bool> mirrored = {});
// Whether an epoch sees the example at this index flipped, with augment.alternate_flip: a coin that
// is tossed for each index once says so of the even epochs, and the contrary of the odd ones, so
// that any two epochs in a row see each image both ways (Keller Jordan's airbench,
// https://arxiv.org/abs/2404.00498). seed: of the coins.
bool is_flipped(int64_t seed, int64_t epoch, int64_t index);
// (pixel / 255 - mean) / std into out, [H,W,C] float.
void normalize(const io::Image& image, const InputConfig& input, float* out);
// Fills a random rectangle of a normalized image [H,W,C] with noise, with this probability.
void random_erase(float* image, const InputConfig& input, double probability, Random& random);

}  // namespace braid::data
