#include "braid/runner/image_input.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "braid/core/error.h"
#include "braid/core/json.h"

namespace braid::runner {
namespace {

constexpr int64_t kMostPixels = 1 << 16;  // of a side

class Preprocessing {
 public:
  explicit Preprocessing(const Session& session) : where_(session.where()) {
    const auto it = session.metadata().find("preprocessing");
    if (it == session.metadata().end()) refuse("metadata 'preprocessing'", "none");
    json_ = parse_json(it->second, {.component = "runner", .where = where_ + ", preprocessing"});
    if (!json_.is_object()) refuse("an object as preprocessing", json_.type_name());
  }

  std::vector<double> numbers(const char* key, size_t least, size_t most) const {
    const auto it = json_.find(key);
    std::vector<double> list;
    if (it != json_.end() && it->is_array() && it->size() <= most)
      for (const auto& item : *it)
        if (item.is_number()) list.push_back(item.get<double>());
    for (const double number : list)
      if (!std::isfinite(number)) list.clear();
    if (list.size() < least || list.size() != it->size())
      refuse(fmt::format("{} to {} numbers as {}", least, most, key), "others");
    return list;
  }
  double number(const char* key, double otherwise) const {
    const auto it = json_.find(key);
    if (it == json_.end()) return otherwise;
    if (!it->is_number()) refuse(fmt::format("a number as {}", key), it->type_name());
    return it->get<double>();
  }
  std::string text(const char* key, const std::string& otherwise) const {
    const auto it = json_.find(key);
    if (it == json_.end()) return otherwise;
    if (!it->is_string()) refuse(fmt::format("a text as {}", key), it->type_name());
    return it->get<std::string>();
  }
  [[noreturn]] void refuse(const std::string& expected, const std::string& got) const {
    throw DataError("runner", "expected " + expected + ", got " + got, where_,
                    "export the model again with `braid export`, or give --input");
  }

 private:
  std::string where_;
  Json json_;
};

}  // namespace

ImageInput::ImageInput(const Session& session) {
  if (session.inputs().size() != 1)
    throw DataError("runner",
                    fmt::format("expected a model of images with one input, got {} inputs",
                                session.inputs().size()),
                    session.where());
  const auto& input = session.inputs()[0];
  const bool image = input.dims.size() == 4;
  in_graph_ = image && input.dtype == DType::kUint8;
  if (!image || (!in_graph_ && input.dtype != DType::kFloat))
    throw DataError("runner",
                    fmt::format("expected a model of images, got one of {} {}",
                                to_string(input.dtype), to_string(input.dims)),
                    session.where(), "texts are given with --text");
  const Preprocessing said(session);
  if (in_graph_) {
    channels_ = input.dims[3];
  } else {
    const auto size = said.numbers("input_size", 3, 3);
    for (const double side : size)
      if (side < 1 || side > kMostPixels) said.refuse("an input_size of pixels", "another");
    view_.channels = channels_ = static_cast<int64_t>(size[0]);
    view_.height = static_cast<int64_t>(size[1]);
    view_.width = static_cast<int64_t>(size[2]);
    view_.interpolation = said.text("interpolation", "bicubic");
    view_.crop_pct = said.number("crop_pct", 0.875);
    view_.crop_mode = said.text("crop_mode", "center");
    const auto channels = static_cast<size_t>(channels_);
    view_.mean = said.numbers("mean", channels, channels);
    std_ = said.numbers("std", channels, channels);
    for (const double std : std_)
      if (std <= 0) said.refuse("std above 0", std::to_string(std));
    if (!(view_.crop_pct > 0.01 && view_.crop_pct < 100))
      said.refuse("a crop_pct of 0.01 to 100", std::to_string(view_.crop_pct));
  }
  if (channels_ != 1 && channels_ != 3)
    said.refuse("images of 1 or 3 channels", std::to_string(channels_));
}

Tensor ImageInput::prepare(const Session& session, const io::Image& image) const {
  if (in_graph_) {
    const auto pixels = io::convert_channels(image, channels_);
    Tensor tensor = session.make(DType::kUint8, {1, pixels.height, pixels.width, channels_});
    std::memcpy(tensor.raw(), pixels.pixels.data(), pixels.pixels.size());
    return tensor;
  }
  Tensor tensor = session.make(DType::kFloat, {1, channels_, view_.height, view_.width});
  write(image, tensor.as<float>());
  return tensor;
}

void ImageInput::write_view(const io::Image& seen, float* to) const {
  const int64_t size = seen.height * seen.width;
  for (int64_t c = 0; c < channels_; ++c, to += size) {
    const auto k = static_cast<size_t>(c);
    const auto scale = static_cast<float>(1.0 / (255.0 * std_[k]));
    const auto shift = static_cast<float>(-view_.mean[k] / std_[k]);
    for (int64_t i = 0; i < size; ++i)
      to[i] =
          static_cast<float>(seen.pixels[static_cast<size_t>(i * channels_ + c)]) * scale + shift;
  }
}

}  // namespace braid::runner
