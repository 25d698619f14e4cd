// Image transforms on bytes, run in the loader's worker threads. Parameters have timm's names and
// meanings.
#pragma once
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "braid/core/config.h"
#include "braid/io/image.h"

namespace braid::data {

// How a model wants its input (timm's pretrained_cfg).
struct InputConfig {
  int64_t channels = 3;
  int64_t height = 224;                              // pixels
  int64_t width = 224;                               // pixels
  std::vector<double> mean = {0.485, 0.456, 0.406};  // of pixels in [0, 1], one per channel
  std::vector<double> std = {0.229, 0.224, 0.225};
  std::string interpolation = "bicubic";  // bicubic or bilinear, antialiased as PIL does
  double crop_pct = 0.875;                // evaluation: resize to size / crop_pct, then centre crop
  void visit(FieldVisitor& v);
};

// Training augmentation; evaluation uses none of it. Flags are timm's.
struct AugmentConfig {
  bool no_aug = false;
  std::string train_crop =
      "auto";  // rrc: random-resized-crop; pad: pad-crop; none; auto: pad for input <= 64 px
  std::vector<double> scale = {0.08, 1.0};         // random-resized-crop area
  std::vector<double> ratio = {3.0 / 4, 4.0 / 3};  // random-resized-crop aspect
  int64_t crop_padding = 4;                        // pixels, for pad-crop
  double hflip = 0.5;                              // probability
  std::string aa = "";  // "rand-m9-n2-mstd0.5"-style RandAugment; "": off
  double reprob = 0.0;  // random erasing probability
  double mixup = 0.0;   // alpha, 0: off
  double cutmix = 0.0;  // alpha, 0: off
  double mixup_prob = 1.0;
  double mixup_switch_prob = 0.5;
  void visit(FieldVisitor& v);
};

}  // namespace braid::data
