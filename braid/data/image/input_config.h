// How a model wants its images.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "braid/core/config.h"

namespace braid::data {

// Pixels. Up to here a model is one of small images, and training pads and crops them rather than
// resizing random parts.
inline constexpr int64_t kSmallImage = 64;

// How a model wants its input (timm's pretrained_cfg).
struct InputConfig {
  int64_t channels = 3;
  int64_t height = 224;                              // pixels
  int64_t width = 224;                               // pixels
  std::vector<double> mean = {0.485, 0.456, 0.406};  // of pixels in [0, 1], one per channel
  std::vector<double> std = {0.229, 0.224, 0.225};
  // bicubic or bilinear, antialiased as PIL does; random: one of them in training, else bilinear
  std::string interpolation = "bicubic";
  double crop_pct = 0.875;           // evaluation: resize to size / crop_pct, then centre crop
  std::string crop_mode = "center";  // evaluation: center, squash, border (timm's)
  void visit(FieldVisitor& v);
};

// Throws ConfigError naming the field.
void validate(const InputConfig& input);

}  // namespace braid::data
