#include "braid/tasks/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "braid/core/error.h"
#include "braid/core/near_match.h"

namespace braid::tasks {
namespace {

void check_share(const char* field, double value, double below) {
  if (!(value >= 0 && value < below))
    throw ConfigError("train", fmt::format("expected 0 <= {} < {}, got {}", field, below, value));
}

}  // namespace

void ImageOptions::visit(FieldVisitor& v) {
  v.field("img_size", img_size, "pixels; unset: the data's own up to 64 pixels, else the model's");
  v.field("channels_last", channels_last, "channels-last memory for images and convolutions");
  augment.visit(v);
}

void DistillationOptions::visit(FieldVisitor& v) {
  v.field("teacher", teacher,
          "distillation: the teacher's checkpoint, a folder or hf-hub:OWNER/NAME; empty: none");
  v.field("distillation_type", distillation_type, "hard (DeiT's) or soft");
  v.field("distillation_alpha", distillation_alpha, "weight of the distillation loss");
  v.field("distillation_tau", distillation_tau, "temperature of soft distillation");
}

void TaskConfig::visit(FieldVisitor& v) {
  v.field("model", model, "architecture (required), see `braid models`");
  v.field("data", data, "dataset (required): a name or a folder");
  v.field("weights", weights,
          "initial weights: a .safetensors file, a folder, or hf-hub:OWNER/NAME; empty: random");
  v.field("val_fraction", val_fraction,
          "share of train that validates where the data has no val split");
  v.field("drop", drop, "dropout, 0: none");
  v.field("attn_drop", attn_drop, "attention dropout, 0: none");
  v.field("drop_path", drop_path, "stochastic depth, 0: none");
  v.field("smoothing", smoothing, "label smoothing, 0: off");
  image.visit(v);
  distillation.visit(v);
}

void validate(const TaskConfig& c) {
  const auto& d = c.distillation;
  const std::vector<std::string> types = {"hard", "soft"};
  if (std::find(types.begin(), types.end(), d.distillation_type) == types.end())
    throw ConfigError("train",
                      fmt::format("expected distillation_type to be one of {}, got '{}'",
                                  fmt::join(types, ", "), d.distillation_type),
                      "", did_you_mean(d.distillation_type, types));
  check_share("drop", c.drop, 1);
  check_share("attn_drop", c.attn_drop, 1);
  check_share("drop_path", c.drop_path, 1);
  check_share("smoothing", c.smoothing, 1);
  check_share("val_fraction", c.val_fraction, 1);
  check_share("distillation_alpha", d.distillation_alpha, 1.0000001);
  if (!(d.distillation_tau > 0)) throw ConfigError("train", "expected distillation_tau above 0");
  data::validate(c.image.augment);
}

}  // namespace braid::tasks
