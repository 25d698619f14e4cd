#include "braid/evaluate/image/look_probe.h"

#include <algorithm>

#include "braid/core/base64.h"
#include "braid/core/error.h"
#include "braid/data/bad_samples.h"
#include "braid/data/image/image_collate.h"
#include "braid/data/image/transforms.h"
#include "braid/explain/attention.h"
#include "braid/explain/class_activation.h"
#include "braid/explain/heat_map.h"
#include "braid/io/resize.h"
#include "braid/runtime/device.h"

namespace braid::evaluate {
namespace {

using torch::Tensor;

constexpr int64_t kLookImages = 6;
constexpr int64_t kLookSide = 112;  // pixels of a picture's longer side

std::string look_picture(const io::Image& image) {
  const int64_t longer = std::max(image.height, image.width);
  const auto scaled = [&](int64_t side) { return std::max<int64_t>(1, side * kLookSide / longer); };
  return to_base64(io::encode_png(
      io::resize(image, scaled(image.height), scaled(image.width), io::Interpolation::kBilinear)));
}

// Adds one image's distances to the layers' sums.
void add_distances(std::vector<AttentionReach>& sums,
                   const std::vector<explain::AttentionLayer>& layers) {
  if (sums.empty())
    for (const auto& layer : layers)
      sums.push_back({layer.name, std::vector<double>(layer.distance.size())});
  for (size_t i = 0; i < layers.size(); ++i)
    for (size_t k = 0; k < layers[i].distance.size(); ++k)
      sums[i].distance[k] += layers[i].distance[k];
}

// Evenly through the split, in place of each that cannot be read the next one.
std::vector<data::Example> look_examples(const data::Dataset& test) {
  const int64_t count = std::min(kLookImages, test.size());
  std::vector<data::Example> examples;
  for (int64_t k = 0; k < count; ++k)
    for (int64_t i = k * test.size() / count; i < (k + 1) * test.size() / count; ++i)
      if (data::can_read([&] { examples.push_back(test.get(i)); })) break;
  if (examples.empty())
    throw DataError("compare", "expected an image that can be read, got none", test.describe(0));
  return examples;
}

Looks look(models::LoadedModel& loaded, const std::vector<data::Example>& examples,
           const std::vector<std::string>& classes) {
  const auto& input = loaded.hub.input;
  const auto explained = explain::explainable_graph(*loaded.model, input.height, input.width);
  const auto device = runtime::device_of(*loaded.model);
  Looks looks;
  looks.input_size = {input.height, input.width};
  for (const auto& example : examples) {
    const auto shown = data::prepare_for_evaluation(example.image, input);
    const auto x = data::stack_images({example.image}, input).to(device).contiguous();
    Tensor probabilities;
    {
      const torch::NoGradGuard no_grad;
      probabilities = explain::logits(explained, x)[0].softmax(0).cpu();
    }
    const auto predicted = probabilities.argmax().item<int64_t>();
    const auto& layer = explain::last_layer(explained, x, predicted);
    const auto map =
        explain::to_pixels(explain::class_activation(explained, layer, x, predicted,
                                                     explain::ActivationWeights::kGradCam)
                               .cpu(),
                           input.height, input.width);
    looks.layer = layer.name;
    const auto name = [&](int64_t index) { return classes.at(static_cast<size_t>(index)); };
    looks.images.push_back({.label = name(example.label),
                            .prediction = name(predicted),
                            .confidence = probabilities[predicted].item<double>(),
                            .image_png = look_picture(explain::enlarged(shown)),
                            .map_png = look_picture(explain::overlay(shown, map))});
    add_distances(looks.attention, explain::attention_layers(explained, x));
  }
  for (auto& reach : looks.attention)
    for (double& distance : reach.distance) distance /= static_cast<double>(examples.size());
  return looks;
}

}  // namespace

void LookProbe::measure(const TrainedRun& run, ModelResult& result) {
  auto loaded = load_(run);
  try {
    result.looks = look(loaded, look_examples(*test_), test_->classes());
  } catch (const DataError& e) {
    result.looks.emplace().error = e.what();
  }
}

}  // namespace braid::evaluate
