#include "braid/data/image/prepared_images.h"

#include <algorithm>

namespace braid::data {
namespace {

int64_t bytes_of(const InputConfig& input) { return input.height * input.width * input.channels; }

}  // namespace

std::unique_ptr<PreparedImages> PreparedImages::make(int64_t images, const InputConfig& input,
                                                     int64_t most_bytes) {
  if (images > most_bytes / std::max<int64_t>(1, bytes_of(input))) return nullptr;
  return std::unique_ptr<PreparedImages>(new PreparedImages(images, input));
}

PreparedImages::PreparedImages(int64_t images, const InputConfig& input)
    : height_(input.height),
      width_(input.width),
      channels_(input.channels),
      pixels_(
          std::make_unique_for_overwrite<uint8_t[]>(static_cast<size_t>(images * bytes_of(input)))),
      states_(static_cast<size_t>(images)) {}

io::Image PreparedImages::get(int64_t index, const std::function<io::Image()>& prepare) {
  auto& state = states_[static_cast<size_t>(index)];
  const int64_t bytes = height_ * width_ * channels_;
  uint8_t* place = pixels_.get() + index * bytes;
  if (state.load(std::memory_order_acquire) == kKept)
    return {height_, width_, channels_, std::vector<uint8_t>(place, place + bytes)};
  io::Image image = prepare();
  auto missing = kMissing;
  if (state.compare_exchange_strong(missing, kBeingKept)) {
    std::copy_n(image.pixels.data(), bytes, place);
    state.store(kKept, std::memory_order_release);
  }
  return image;
}

}  // namespace braid::data
