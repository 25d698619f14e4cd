#include "braid/explain/method_result.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "braid/explain/heat_map.h"

namespace braid::explain {
namespace {

using torch::Tensor;

std::vector<int64_t> peak_of(const Tensor& map) {
  const auto index = map.argmax().item<int64_t>();
  return {index / map.size(1), index % map.size(1)};
}

}  // namespace

MethodResult occlusion_result(const Classify& classify, const Tensor& image, int64_t target,
                              const ExplainConfig& config) {
  const int64_t side = std::min(image.size(2), image.size(3));
  const int64_t window =
      std::min(side, config.window > 0 ? config.window : std::max<int64_t>(1, side / 8));
  const int64_t stride = config.stride > 0 ? config.stride : std::max<int64_t>(1, window / 2);
  MethodResult result;
  result.values = occlusion(classify, image, target,
                            {.window = window, .stride = stride, .batch = config.batch_size});
  result.map = min_max(result.values.clamp_min(0));
  return result;
}

std::string picture_name(size_t number, const std::string& file) {
  std::string stem = std::filesystem::path(file).stem().string().substr(0, 60);
  for (char& c : stem)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_') c = '_';
  return fmt::format("{}-{}", number, stem);
}

HeatMap add_map(Output& output, const std::string& name, const io::Image& shown,
                const std::string& method, const MethodResult& result) {
  return {.method = method,
          .layer = result.layer,
          .picture = output.add_picture(name + ".png", overlay(shown, result.map)),
          .map = output.add_tensor(name + ".map", result.map),
          .values = output.add_tensor(name + ".values", result.values),
          .peak = peak_of(result.map),
          .sum = result.sum,
          .total = result.total,
          .distance = result.distance};
}

}  // namespace braid::explain
