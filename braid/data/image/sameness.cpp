#include "braid/data/image/sameness.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "braid/core/error.h"

namespace braid::data {

std::optional<std::string> sameness_text(const Dataset& dataset) {
  constexpr int64_t kLookedAt = 16;
  const int64_t size = dataset.size(), count = std::min(kLookedAt, size);
  std::optional<io::Image> first;
  int64_t same = 0;
  for (int64_t i = 0; i < count; ++i) {
    try {
      auto image = dataset.get(i * size / count).image;
      if (!first)
        first = std::move(image);
      else if (image.height != first->height || image.width != first->width ||
               image.channels != first->channels || image.pixels != first->pixels)
        return std::nullopt;
      ++same;
    } catch (const Error&) {
      continue;  // --on-bad-sample says what becomes of it
    }
  }
  if (same < 2) return std::nullopt;
  return fmt::format(
      "All {} training images that were looked at have the same pixels: if the others do, too, "
      "nothing can be learned from them.",
      same);
}

}  // namespace braid::data
