#include "braid/evaluate/image/mistakes.h"

#include <algorithm>

#include "braid/core/base64.h"
#include "braid/data/image/resize.h"

namespace braid::evaluate {
namespace {

constexpr int64_t kThumbnail = 96;  // pixels, their longer side at most

std::string thumbnail(const io::Image& image) {
  const int64_t longer = std::max(image.height, image.width);
  if (longer <= kThumbnail) return to_base64(io::encode_png(image));
  const auto scaled = [&](int64_t side) {
    return std::max<int64_t>(1, side * kThumbnail / longer);
  };
  return to_base64(io::encode_png(data::resize(image, scaled(image.height), scaled(image.width),
                                               data::Interpolation::kBicubic)));
}

}  // namespace

std::vector<Mistake> picture_mistakes(const data::Dataset& dataset, const ClassScores& scores,
                                      const std::vector<int64_t>& indices) {
  return list_mistakes(dataset, scores, indices, [&](Mistake& mistake, int64_t index) {
    mistake.image_png = thumbnail(dataset.get(index).image);
  });
}

}  // namespace braid::evaluate
