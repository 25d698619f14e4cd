// What is trained on what: the part of a run's settings that its task decides. Field names are
// timm's flags.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "braid/core/config.h"
#include "braid/data/image/transforms.h"

namespace braid::tasks {

// What belongs to images.
struct ImageOptions {
  // pixels; unset: the data's own for small images, else the model's
  std::optional<int64_t> img_size;
  bool channels_last = true;
  data::AugmentConfig augment;
  void visit(FieldVisitor& v);
};

struct DistillationOptions {
  std::string teacher;                     // folder or hf-hub:OWNER/NAME, empty: none
  std::string distillation_type = "hard";  // hard (DeiT), soft
  double distillation_alpha = 0.5;
  double distillation_tau = 1.0;
  void visit(FieldVisitor& v);
};

struct TaskConfig {
  std::string model;
  std::string data;
  // initial weights: a .safetensors file, a folder, or hf-hub:OWNER/NAME; empty: random
  std::string weights;
  double val_fraction = 0.1;
  double drop = 0;         // dropout
  double attn_drop = 0;    // attention dropout
  double drop_path = 0;    // stochastic depth
  double smoothing = 0.0;  // label smoothing
  ImageOptions image;
  DistillationOptions distillation;
  void visit(FieldVisitor& v);  // all fields flat, those of the nested structs too
};

// Throws ConfigError naming the field and what it may be.
void validate(const TaskConfig& config);

}  // namespace braid::tasks
