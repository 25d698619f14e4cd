#include "braid/explain/image_explainer.h"

#include <ATen/CPUGeneratorImpl.h>
#include <fmt/format.h>

#include <algorithm>

#include "braid/core/error.h"
#include "braid/core/near_match.h"
#include "braid/data/image/image_collate.h"
#include "braid/data/image/transforms.h"
#include "braid/explain/attention.h"
#include "braid/explain/class_activation.h"
#include "braid/explain/class_index.h"
#include "braid/explain/heat_map.h"
#include "braid/explain/pixel_attribution.h"
#include "braid/explain/receptive_field.h"
#include "braid/runtime/device.h"

namespace braid::explain {
namespace {

using torch::Tensor;

std::string file_word(const std::string& method) {
  return method == "grad-cam++" ? "grad-cam-plus-plus" : method;
}

std::vector<MethodResult> attention_results(const ExplainableGraph& explained, const Tensor& image,
                                            const std::optional<std::string>& layer) {
  std::vector<MethodResult> results;
  auto layers = attention_layers(explained, image);
  if (layers.empty())
    throw DataError("explain", "expected a model with attention among places, got one without", "",
                    "use --method grad-cam, integrated-gradients or occlusion");
  std::vector<std::string> names;
  for (const auto& one : layers) {
    names.push_back(one.name);
    if (layer && one.name != *layer && !one.name.starts_with(*layer + ".")) continue;
    results.push_back({.layer = one.name,
                       .map = to_pixels(one.map, explained.height, explained.width),
                       .values = one.map,
                       .sum = std::nullopt,
                       .total = std::nullopt,
                       .distance = one.distance});
  }
  if (results.empty())
    throw UsageError("explain", "expected a module with attention, got '" + *layer + "'", "--layer",
                     did_you_mean(*layer, names, "they are called such as " + names.back()));
  return results;
}

// As asked for; else by the last layer, whose grid may be too coarse to say where.
std::vector<std::string> methods_for(const ExplainConfig& config, const ExplainableGraph& explained,
                                     const torch::Device& device) {
  constexpr int64_t kLeastCells = 7;  // of a side
  if (config.method != "auto" || config.layer) return methods_of(config);
  try {
    const auto channels = explained.graph.at(explained.graph.inputs.at(0)).shape.at(1).offset;
    const auto image = torch::rand({1, channels, explained.height, explained.width},
                                   at::make_generator<at::CPUGeneratorImpl>(1));
    const auto& cells = last_layer(explained, image.to(device), 0).grid.raster;
    if (std::min(cells.height(), cells.width()) >= kLeastCells) return methods_of(config);
    return {"occlusion"};
  } catch (const DataError&) {  // no layer with a grid
    return {"occlusion"};
  }
}

}  // namespace

ImageExplainer::ImageExplainer(models::LoadedModel loaded, const ExplainConfig& config,
                               const std::string& device)
    : config_(config),
      predictor_(std::move(loaded), runtime::resolve_device(device)),
      explained_(explainable_graph(predictor_.model(), predictor_.card().input.height,
                                   predictor_.card().input.width)),
      methods_(methods_for(config, explained_, runtime::device_of(predictor_.model()))) {}

Tensor ImageExplainer::input_of(const io::Image& image) const {
  return data::stack_images({image}, predictor_.card().input)
      .to(runtime::device_of(const_cast<tasks::Predictor&>(predictor_).model()))
      .contiguous();
}

Tensor ImageExplainer::probabilities(const Tensor& image) const {
  const torch::NoGradGuard no_grad;
  auto rows = logits(explained_, image)[0].softmax(0).cpu();
  tasks::expect_finite(rows);
  return rows;
}

std::vector<MethodResult> ImageExplainer::results(const ExplainableGraph& explained,
                                                  const std::string& method, const Tensor& image,
                                                  int64_t target) const {
  const int64_t H = explained.height, W = explained.width;
  MethodResult result;
  if (method == "attention") return attention_results(explained, image, config_.layer);
  const Classify classify = [&](const Tensor& x) { return logits(explained, x); };
  if (method == "rollout") {
    result.values = attention_rollout(explained, image);
    result.map = to_pixels(result.values, H, W);
  } else if (method == "integrated-gradients") {
    const auto found =
        integrated_gradients(logit_of(classify, target), image, torch::zeros_like(image),
                             config_.steps, config_.batch_size);
    result.values = found.values.sum(0).cpu();
    result.map = magnitudes(result.values);
    result.sum = found.values.sum().item<double>();
    result.total = found.total;
  } else if (method == "occlusion") {
    result = occlusion_result(classify, image, target, config_);
  } else {
    // Of the model itself, where `explained` is one with other weights.
    const auto& layer = config_.layer ? find_layer(explained_, *config_.layer)
                                      : last_layer(explained_, image, target);
    result.layer = layer.name;
    result.values = class_activation(explained, layer, image, target,
                                     method == "grad-cam" ? ActivationWeights::kGradCam
                                                          : ActivationWeights::kGradCamPlusPlus)
                        .cpu();
    result.map = to_pixels(result.values, H, W);
  }
  return {result};
}

ImageExplanation ImageExplainer::explain(const std::string& file, const io::Image& image,
                                         Output& output) const {
  const auto& input = predictor_.card().input;
  const auto shown = data::prepare_for_evaluation(image, input);
  const auto x = input_of(image);
  const auto rows = probabilities(x);
  ImageExplanation e;
  e.file = file;
  const auto best = rows.argmax().item<int64_t>();
  e.predicted = class_name(best);
  e.index =
      config_.target ? class_index(*config_.target, predictor_.card().classes, rows.size(0)) : best;
  e.target = class_name(e.index);
  e.probability = rows[e.index].item<double>();
  seen_.push_back(x);
  const auto base = picture_name(seen_.size(), file);
  e.picture = output.add_picture(base + ".png", enlarged(shown));
  for (const auto& method : methods_) {
    if (method == "erf") continue;
    const auto found = results(explained_, method, x, e.index);
    for (size_t k = 0; k < found.size(); ++k) {
      const auto name = base + "-" + file_word(method) +
                        (method == "attention" ? fmt::format("-{}", k + 1) : std::string());
      e.maps.push_back(add_map(output, name, shown, method, found[k]));
    }
  }
  return e;
}

FieldExplanation ImageExplainer::receptive_field(Output& output) const {
  const auto images = torch::cat(seen_);
  const auto& layer = config_.layer ? find_layer(explained_, *config_.layer)
                                    : last_layer(explained_, images.slice(0, 0, 1), 0);
  const auto field = explain::receptive_field(explained_, layer, images);
  const io::Image black{
      .height = explained_.height,
      .width = explained_.width,
      .channels = 1,
      .pixels = std::vector<uint8_t>(static_cast<size_t>(explained_.height * explained_.width))};
  // A root, for gradients that fall off by powers of ten.
  const auto map = min_max(field.map.pow(0.25));
  return {.layer = layer.name,
          .images = images.size(0),
          .side_50 = field.side_50,
          .side_99 = field.side_99,
          .picture = output.add_picture("receptive-field.png", overlay(black, map)),
          .map = output.add_tensor("receptive-field", field.map)};
}

}  // namespace braid::explain
