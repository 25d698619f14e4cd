#include "braid/export/image_samples.h"

#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <cstdint>

#include "braid/data/image/image_collate.h"

namespace braid::onnx {
namespace {

using torch::Tensor;

// [H,W,C]
Tensor to_tensor(const io::Image& image, int64_t channels) {
  const auto converted = io::convert_channels(image, channels);
  auto tensor = torch::empty({converted.height, converted.width, channels}, torch::kByte);
  std::copy(converted.pixels.begin(), converted.pixels.end(), tensor.data_ptr<uint8_t>());
  return tensor;
}

io::Image to_image(const Tensor& tensor) {
  const auto plain = tensor.contiguous();
  const auto* first = plain.const_data_ptr<uint8_t>();
  return {.height = plain.size(0),
          .width = plain.size(1),
          .channels = plain.size(2),
          .pixels = {first, first + plain.numel()}};
}

// An image and its mirror image.
RawImages two_of(const Tensor& image, const data::InputConfig& input) {
  const auto mirrored = image.flip(1);
  return {.bytes = torch::stack({image, mirrored}),
          .prepared = data::stack_images({to_image(image), to_image(mirrored)}, input)};
}

// Smooth: of single pixels of noise nothing is left where images shrink.
Tensor noise_image(const data::InputConfig& input) {
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(1);
  const auto coarse = torch::rand({1, input.channels, 7, 5}, generator);
  const auto fine =
      at::upsample_bilinear2d(coarse, {input.height + input.height / 8 + 3, input.width + 7},
                              /*align_corners=*/false);
  return (fine[0] * 255).round().clamp(0, 255).to(torch::kByte).permute({1, 2, 0}).contiguous();
}

std::vector<graph::Sample> prepared_samples(models::LoadedModel& loaded, const RawImages& raw) {
  std::vector<graph::Sample> samples;
  for (const int64_t batch : {int64_t{1}, raw.bytes.size(0)}) {
    auto sample = graph::sample(*loaded.model, raw.prepared.narrow(0, 0, batch));
    sample.inputs = {raw.bytes.narrow(0, 0, batch)};
    sample.expected = sample.expected.softmax(1);
    samples.push_back(std::move(sample));
  }
  return samples;
}

}  // namespace

RawImages raw_noise(const data::InputConfig& input) { return two_of(noise_image(input), input); }

std::vector<graph::Sample> image_samples(models::LoadedModel& loaded,
                                         const ExportOptions& options) {
  const auto& input = loaded.hub.input;
  if (options.with_preprocessing)
    return prepared_samples(loaded,
                            options.images.empty()
                                ? raw_noise(input)
                                : two_of(to_tensor(options.images.front(), input.channels), input));
  Tensor images;
  if (options.images.empty()) {
    const auto generator = at::make_generator<at::CPUGeneratorImpl>(1);
    images = torch::randn({2, input.channels, input.height, input.width}, generator);
  } else {
    images = data::stack_images(options.images, input);
    if (images.size(0) == 1) images = torch::cat({images, images.flip(3)});
  }
  return {graph::sample(*loaded.model, images.narrow(0, 0, 1)),
          graph::sample(*loaded.model, images)};
}

}  // namespace braid::onnx
