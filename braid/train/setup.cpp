#include "braid/train/setup.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "braid/core/error.h"
#include "braid/io/hub.h"
#include "braid/models/registry.h"
#include "braid/models/tensor_file.h"

namespace braid::train {
namespace {

constexpr int64_t kStatisticsImages = 1000;

// The first image that can be read.
io::Image probe(const data::Dataset& dataset) {
  constexpr int64_t kAttempts = 100;
  for (int64_t i = 0; i < std::min(kAttempts, dataset.size()); ++i) {
    try {
      return dataset.get(i).image;
    } catch (const DataError&) {
      if (i + 1 == std::min(kAttempts, dataset.size())) throw;
    }
  }
  throw DataError("train", "expected at least one image");
}

void measure_statistics(const data::Dataset& dataset, data::InputConfig& input) {
  const auto C = static_cast<size_t>(input.channels);
  std::vector<double> sum(C, 0), squares(C, 0);
  double count = 0;
  const int64_t stride = std::max<int64_t>(1, dataset.size() / kStatisticsImages);
  for (int64_t i = 0; i < dataset.size(); i += stride) {
    io::Image image;
    try {
      image = io::convert_channels(dataset.get(i).image, input.channels);
    } catch (const DataError&) {
      continue;  // the loader reports it
    }
    for (size_t k = 0; k < image.pixels.size(); ++k) {
      const double v = image.pixels[k] / 255.0;
      sum[k % C] += v;
      squares[k % C] += v * v;
    }
    count += static_cast<double>(image.height * image.width);
  }
  input.mean.assign(C, 0.5);
  input.std.assign(C, 0.5);
  for (size_t c = 0; c < C && count > 0; ++c) {
    const double mean = sum[c] / count;
    const double deviation = std::sqrt(std::max(0.0, squares[c] / count - mean * mean));
    input.mean[c] = std::round(mean * 1e4) / 1e4;
    input.std[c] = std::max(0.01, std::round(deviation * 1e4) / 1e4);
  }
}

bool in_classifier(const models::Model& model, const std::string& name) {
  for (const auto& module : model.classifier())
    if (name.starts_with(module + ".")) return true;
  return false;
}

void load_initial_weights(models::Model& model, const std::string& path, Progress& progress) {
  auto tensors = models::load_tensors(io::resolve_weights(path, progress));
  const auto state = models::named_state(model);
  bool fresh_head = false;
  for (auto& [name, tensor] : tensors) {
    const auto it = state.find(name);
    if (it != state.end() && in_classifier(model, name) && it->second.sizes() != tensor.sizes()) {
      tensor = it->second;
      fresh_head = true;
    }
  }
  models::load_tensors_into(model, tensors, path);
  if (fresh_head)
    progress.line("The classifier of " + path + " has other classes: a fresh one takes its place.");
}

}  // namespace

void to_channels_last(torch::nn::Module& module) {
  for (auto& p : module.parameters())
    if (p.dim() == 4) p.set_data(p.detach().contiguous(at::MemoryFormat::ChannelsLast));
}

data::InputConfig resolve_input(const TrainConfig& config, const data::Splits& splits) {
  data::InputConfig input = models::find_model(config.model).input;
  const io::Image image = probe(*splits.train);
  const int64_t side = std::max(image.height, image.width);
  const bool small = side <= data::kSmallImage;
  if (config.img_size) {
    input.height = input.width = *config.img_size;
  } else if (small) {
    input.height = input.width = side;
  }
  if (small) input.crop_pct = 1.0;
  input.channels = splits.train->channels();
  if (small || input.channels != 3) measure_statistics(*splits.train, input);
  return input;
}

RunModel make_run_model(const TrainConfig& config, const data::Splits& splits, Progress& progress) {
  RunModel run;
  run.card.architecture = config.model;
  run.card.input = resolve_input(config, splits);
  run.card.classes = splits.train->classes();
  Json overrides = {{"num_classes", static_cast<int64_t>(run.card.classes.size())},
                    {"in_chans", run.card.input.channels},
                    {"img_size", run.card.input.height}};
  if (config.drop > 0) overrides["drop_rate"] = config.drop;
  if (config.attn_drop > 0) overrides["attn_drop_rate"] = config.attn_drop;
  if (config.drop_path > 0) overrides["drop_path_rate"] = config.drop_path;
  run.model = models::create_model(config.model, overrides, static_cast<uint64_t>(config.seed));
  run.card.model_args = run.model->config();
  if (!config.weights.empty()) load_initial_weights(*run.model, config.weights, progress);
  run.model->set_grad_checkpointing(config.grad_checkpointing);
  if (config.device == "cuda" && !torch::cuda::is_available())
    throw ConfigError("train", "no CUDA device can be used", "--device cuda", "use --device cpu");
  run.model->to(torch::Device(config.device));
  if (config.channels_last) to_channels_last(*run.model);
  return run;
}

}  // namespace braid::train
