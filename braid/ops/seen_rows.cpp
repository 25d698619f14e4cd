#include "braid/ops/seen_rows.h"

namespace braid::ops {
namespace {

constexpr int64_t kWindowNumbers = 64 * 1024;  // half of a small second-level cache
constexpr size_t kLineNumbers = 16;

}  // namespace

Scratch::Scratch(int64_t numbers) : memory_(static_cast<size_t>(numbers) + kLineNumbers) {
  const auto place = reinterpret_cast<uintptr_t>(memory_.data()) / sizeof(float);
  first_ = memory_.data() + (kLineNumbers - place % kLineNumbers) % kLineNumbers;
}

std::vector<Segment> segments_of(const View& view, int64_t outputs, int64_t chans) {
  const int64_t columns = kWindowNumbers / (view.kernel * chans);
  const int64_t most = std::max<int64_t>(kTileColumns, (columns - view.kernel) / view.stride);
  const int64_t count = (outputs + most - 1) / most;
  const int64_t width = rounded_up((outputs + count - 1) / count, kTileColumns);
  std::vector<Segment> segments;
  for (int64_t first = 0; first < outputs; first += width)
    segments.push_back({first, std::min(width, outputs - first)});
  return segments;
}

SeenRows::SeenRows(const DepthwiseConvKernels& kernels, const View& view, Segment segment,
                   PixelRow pixels)
    : kernels_(kernels),
      view_(view),
      pixels_(pixels),
      columns_((rounded_up(segment.count, kTileColumns) - 1) * view.stride + view.kernel),
      scratch_(view.kernel * columns_ * rounded_up(pixels.chans, kBlockChannels)) {
  const int64_t begin = segment.first * view.stride - view.padding;
  const auto pixels_before = [&](int64_t column) {
    return std::min((std::max<int64_t>(column, 0) + view.step - 1) / view.step, view.maps.width);
  };
  first_pixel_ = pixels_before(begin);
  first_column_ = first_pixel_ * view.step - begin;
  pixels_.pixels = pixels_before(begin + columns_) - first_pixel_;
}

void SeenRows::open(const void* image) {
  image_ = static_cast<const char*>(image);
  std::fill(held_, held_ + kMostRows, -1);
}

// None where all of it is zero.
const float* SeenRows::row(int64_t at) {
  if (at < 0 || at % view_.step != 0 || at / view_.step >= view_.maps.height) return nullptr;
  const int64_t y = at / view_.step, slot = y % view_.kernel;
  float* to = scratch_.at(slot * columns_ * rounded_up(pixels_.chans, kBlockChannels));
  if (held_[slot] != y) {
    const int64_t pixel = y * view_.maps.width + first_pixel_;
    kernels_.widen(image_ + pixel * pixels_.pitch * bytes_of(pixels_.bfloat16), pixels_,
                   to + first_column_ * kBlockChannels, view_.step, columns_ * kBlockChannels);
    held_[slot] = y;
  }
  return to;
}

Seen SeenRows::of_output(int64_t output) {
  Seen seen;
  for (int64_t k = 0; k < view_.kernel; ++k)
    if (const float* x = row(output * view_.stride - view_.padding + k)) {
      seen.x[seen.count] = x;
      seen.place[seen.count++] = k;
    }
  return seen;
}

}  // namespace braid::ops
