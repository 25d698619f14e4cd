#include "braid/export/onnx/preprocessing.h"

#include <cmath>

namespace braid::onnx {
namespace {

using data::InputConfig;

int64_t to(torch::ScalarType dtype) { return static_cast<int64_t>(data_type(dtype)); }

std::vector<int64_t> target(const InputConfig& input) { return {input.height, input.width}; }

// What is resized to, before the centre is taken.
std::vector<int64_t> enlarged(const InputConfig& input) {
  const auto scaled = [&](int64_t side) {
    return static_cast<int64_t>(std::floor(static_cast<double>(side) / input.crop_pct));
  };
  return {scaled(input.height), scaled(input.width)};
}

// [2] int64: the size that evaluation resizes an image of this size to, see
// data/image/transforms.h.
std::string resized_size(Emitter& e, const std::string& size, const InputConfig& input) {
  const auto wanted = enlarged(input);
  if (input.crop_mode == "squash") return e.integers(wanted);
  const Attributes keep = {{"keepdims", int64_t{1}}};
  if (input.crop_mode == "center" && wanted[0] == wanted[1]) {
    const auto shorter = e.add("ReduceMin", {size}, keep);
    return e.add("Div", {e.add("Mul", {size, e.integers({wanted[0]})}), shorter});
  }
  const auto exact = e.add("Cast", {size}, {{"to", to(torch::kDouble)}});
  const auto ratios = e.add("Div", {exact, e.constant(torch::tensor(wanted, torch::kDouble))});
  const auto ratio = e.add(input.crop_mode == "border" ? "ReduceMax" : "ReduceMin", {ratios}, keep);
  const auto rounded = e.add("Round", {e.add("Div", {exact, ratio})});
  return e.add("Max", {e.add("Cast", {rounded}, {{"to", to(torch::kLong)}}), e.integers({1})});
}

// Fills smaller images up on both sides.
std::string filled(Emitter& e, const std::string& image, const std::string& size,
                   const InputConfig& input) {
  const auto rows = e.add("Max", {size, e.integers(target(input))});
  const auto missing = e.add("Sub", {rows, size});
  const auto begin = e.add("Div", {missing, e.integers({2})});
  const auto end = e.add("Sub", {missing, begin});
  const auto pads = e.add("Concat", {begin, end}, {{"axis", int64_t{0}}});
  return e.add("Pad", {image, pads, e.scalar(0), e.integers({2, 3})});
}

std::string centre(Emitter& e, const std::string& image, const InputConfig& input) {
  const auto size = e.add("Shape", {image}, {{"start", int64_t{2}}, {"end", int64_t{4}}});
  const auto spare = e.add("Sub", {size, e.integers(target(input))});
  const auto half =
      e.add("Div", {e.add("Cast", {spare}, {{"to", to(torch::kFloat)}}), e.scalar(2)});
  const auto begin =
      e.add("Cast", {e.add("Round", {half})}, {{"to", to(torch::kLong)}});  // to even, as Python
  const auto end = e.add("Add", {begin, e.integers(target(input))});
  return e.add("Slice", {image, begin, end, e.integers({2, 3})});
}

std::string per_channel(Emitter& e, const std::vector<double>& numbers) {
  return e.constant(torch::tensor(numbers, torch::kDouble).to(torch::kFloat).view({1, -1, 1, 1}));
}

}  // namespace

std::string add_preprocessing(Emitter& e, const std::string& image, const InputConfig& input) {
  auto x = e.add("Transpose", {image}, {{"perm", std::vector<int64_t>{0, 3, 1, 2}}});
  const auto size = e.add("Shape", {x}, {{"start", int64_t{2}}, {"end", int64_t{4}}});
  const auto resized = resized_size(e, size, input);
  x = e.add("Resize", {x, "", "", resized},
            {{"mode", std::string(input.interpolation == "bicubic" ? "cubic" : "linear")},
             {"coordinate_transformation_mode", std::string("half_pixel")},
             {"antialias", int64_t{1}},
             {"exclude_outside", int64_t{1}},
             {"cubic_coeff_a", -0.5f},
             {"axes", std::vector<int64_t>{2, 3}}});
  x = e.add("Cast", {x}, {{"to", to(torch::kFloat)}});
  // Only then images can be smaller than what is cut out of them.
  if (input.crop_mode == "border" || input.crop_pct > 1) {
    std::vector<double> fill(input.mean.size(), 0);
    if (input.crop_mode == "border")
      for (size_t c = 0; c < fill.size(); ++c) fill[c] = std::nearbyint(255 * input.mean[c]);
    const auto colour = per_channel(e, fill);
    x = e.add("Add", {filled(e, e.add("Sub", {x, colour}), resized, input), colour});
  }
  x = centre(e, x, input);
  std::vector<double> mean = input.mean, std = input.std;
  for (auto& number : mean) number *= 255;
  for (auto& number : std) number *= 255;
  return e.add("Div", {e.add("Sub", {x, per_channel(e, mean)}), per_channel(e, std)});
}

}  // namespace braid::onnx
