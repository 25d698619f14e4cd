#include "braid/train/freeze.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "braid/core/error.h"
#include "braid/models/macs.h"

namespace braid::train {
namespace {

constexpr const char* kBackbone = "backbone";
constexpr size_t kMostDigits = 6;

bool is_number(const std::string& text) {
  return !text.empty() && text.size() <= kMostDigits &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; });
}

}  // namespace

void check_freeze(const std::string& freeze) {
  if (freeze.empty() || freeze == kBackbone || is_number(freeze)) return;
  throw ConfigError("train",
                    "expected freeze to be backbone or a number of layers, got '" + freeze + "'");
}

bool is_frozen(const models::Model& model, const std::string& parameter,
               const std::string& freeze) {
  if (freeze.empty()) return false;
  if (freeze == kBackbone) return !model.in_head(parameter);
  return model.layer_id(parameter) < std::stoll(freeze);
}

std::vector<torch::Tensor> freeze_layers(models::Model& model, const std::string& freeze,
                                         Progress& progress) {
  std::vector<torch::Tensor> had_gradients;
  if (freeze.empty()) return had_gradients;
  int64_t frozen = 0, all = 0;
  for (const auto& item : model.named_parameters()) {
    torch::Tensor parameter = item.value();
    all += parameter.numel();
    if (!is_frozen(model, item.key(), freeze)) continue;
    if (parameter.requires_grad()) had_gradients.push_back(parameter);
    parameter.set_requires_grad(false);
    frozen += parameter.numel();
  }
  if (frozen == all)
    throw ConfigError(
        "train", fmt::format("expected freeze below the model's {} layers, got {}: nothing is left "
                             "to train",
                             model.layer_count(), freeze));
  progress.line(fmt::format("Frozen: {:.2f} M of {:.2f} M parameters (--freeze {}).",
                            static_cast<double>(frozen) / 1e6, static_cast<double>(all) / 1e6,
                            freeze));
  return had_gradients;
}

void set_training_mode(models::Model& model, const Frozen& frozen) {
  model.train();
  if (frozen.layers.empty() && !frozen.bn_stats) return;
  for (const auto& item : model.named_modules(/*name_prefix=*/"", /*include_self=*/false))
    if (models::keeps_statistics(*item.value()) &&
        (frozen.bn_stats || is_frozen(model, item.key() + ".weight", frozen.layers)))
      item.value()->eval();
}

}  // namespace braid::train
