// What one method says of one image, and its pictures.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "braid/explain/explanation.h"
#include "braid/explain/output.h"
#include "braid/explain/pixel_attribution.h"
#include "braid/io/image.h"
#include "braid/torch.h"

namespace braid::explain {

// A method's map [H,W] in [0,1], what it is made of, and its figures.
struct MethodResult {
  std::string layer;
  torch::Tensor map, values;
  std::optional<double> sum, total;
  std::vector<double> distance;
};

// By squares as the config has them; unset, of an eighth of the shorter side, half overlapping.
// image: [1,C,H,W].
MethodResult occlusion_result(const Classify& classify, const torch::Tensor& image, int64_t target,
                              const ExplainConfig& config);

// What the pictures of an image's file begin with, the number-th that is explained: "2-cat".
std::string picture_name(size_t number, const std::string& file);
// Writes the map over the image, and its tensors. name: without an ending.
HeatMap add_map(Output& output, const std::string& name, const io::Image& shown,
                const std::string& method, const MethodResult& result);

}  // namespace braid::explain
