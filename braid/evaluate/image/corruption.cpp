#include "braid/evaluate/image/corruption.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numbers>
#include <numeric>

#include "braid/core/error.h"
#include "braid/data/random.h"

namespace braid::evaluate {
namespace {

using data::Random;
using io::Image;
using Steps = std::array<double, kSeverities>;

uint8_t to_byte(double value) {
  return static_cast<uint8_t>(std::lround(std::clamp(value, 0.0, 255.0)));
}

double shorter_side(const Image& image) {
  return static_cast<double>(std::min(image.height, image.width));
}

int64_t offset(const Image& image, int64_t y, int64_t x) {
  return (y * image.width + x) * image.channels;
}

// Adds a normal of standard deviation `amount` x 255 to every value.
Image noise(Image image, double amount, Random& random) {
  for (auto& value : image.pixels) value = to_byte(value + 255 * amount * random.normal());
  return image;
}

// Gaussian of standard deviation `amount` x shorter side; borders are repeated.
Image blur(const Image& image, double amount, Random&) {
  const double sigma = amount * shorter_side(image);
  const auto radius = static_cast<int64_t>(std::ceil(3 * sigma));
  std::vector<double> kernel;
  for (int64_t i = -radius; i <= radius; ++i)
    kernel.push_back(std::exp(-0.5 * static_cast<double>(i * i) / (sigma * sigma)));
  const double sum = std::accumulate(kernel.begin(), kernel.end(), 0.0);
  for (auto& k : kernel) k /= sum;
  std::vector<double> rows(image.pixels.size());
  Image out = image;
  for (int64_t y = 0; y < image.height; ++y)
    for (int64_t x = 0; x < image.width; ++x)
      for (int64_t c = 0; c < image.channels; ++c) {
        double value = 0;
        for (int64_t i = -radius; i <= radius; ++i) {
          const int64_t column = std::clamp<int64_t>(x + i, 0, image.width - 1);
          value += kernel[static_cast<size_t>(i + radius)] *
                   image.pixels[static_cast<size_t>(offset(image, y, column) + c)];
        }
        rows[static_cast<size_t>(offset(image, y, x) + c)] = value;
      }
  for (int64_t y = 0; y < image.height; ++y)
    for (int64_t x = 0; x < image.width; ++x)
      for (int64_t c = 0; c < image.channels; ++c) {
        double value = 0;
        for (int64_t i = -radius; i <= radius; ++i) {
          const int64_t row = std::clamp<int64_t>(y + i, 0, image.height - 1);
          value += kernel[static_cast<size_t>(i + radius)] *
                   rows[static_cast<size_t>(offset(image, row, x) + c)];
        }
        out.pixels[static_cast<size_t>(offset(image, y, x) + c)] = to_byte(value);
      }
  return out;
}

// A mid-gray square over the share `amount` of the area, somewhere within the image.
Image occlusion(Image image, double amount, Random& random) {
  constexpr uint8_t kMidGray = 128;
  const double area = amount * static_cast<double>(image.height * image.width);
  const auto side = static_cast<int64_t>(std::lround(std::sqrt(area)));
  const int64_t height = std::min(side, image.height), width = std::min(side, image.width);
  const int64_t top = random.below(image.height - height + 1);
  const int64_t left = random.below(image.width - width + 1);
  for (int64_t y = top; y < top + height; ++y) {
    const auto row = image.pixels.begin() + offset(image, y, left);
    std::fill(row, row + width * image.channels, kMidGray);
  }
  return image;
}

// The value at a fractional place, bilinear; borders are repeated.
double sample(const Image& image, double y, double x, int64_t channel) {
  y = std::clamp(y, 0.0, static_cast<double>(image.height - 1));
  x = std::clamp(x, 0.0, static_cast<double>(image.width - 1));
  const auto top = static_cast<int64_t>(y), left = static_cast<int64_t>(x);
  const int64_t bottom = std::min(top + 1, image.height - 1);
  const int64_t right = std::min(left + 1, image.width - 1);
  const double v = y - static_cast<double>(top), u = x - static_cast<double>(left);
  const auto at = [&](int64_t row, int64_t column) {
    return static_cast<double>(
        image.pixels[static_cast<size_t>(offset(image, row, column) + channel)]);
  };
  return (1 - v) * ((1 - u) * at(top, left) + u * at(top, right)) +
         v * ((1 - u) * at(bottom, left) + u * at(bottom, right));
}

// Moves the image by `amount` x shorter side in a random direction; borders are repeated.
Image shift(const Image& image, double amount, Random& random) {
  const double angle = random.uniform(0, 2 * std::numbers::pi);
  const double dy = amount * shorter_side(image) * std::sin(angle);
  const double dx = amount * shorter_side(image) * std::cos(angle);
  Image out = image;
  for (int64_t y = 0; y < image.height; ++y)
    for (int64_t x = 0; x < image.width; ++x)
      for (int64_t c = 0; c < image.channels; ++c)
        out.pixels[static_cast<size_t>(offset(image, y, x) + c)] =
            to_byte(sample(image, static_cast<double>(y) - dy, static_cast<double>(x) - dx, c));
  return out;
}

// Turns the image about its centre by `amount` degrees to the left or right; borders are repeated.
Image rotation(const Image& image, double amount, Random& random) {
  const double angle = (random.uniform() < 0.5 ? -amount : amount) * std::numbers::pi / 180;
  const double cos = std::cos(angle), sin = std::sin(angle);
  const double cy = static_cast<double>(image.height - 1) / 2;
  const double cx = static_cast<double>(image.width - 1) / 2;
  Image out = image;
  for (int64_t y = 0; y < image.height; ++y)
    for (int64_t x = 0; x < image.width; ++x) {
      const double v = static_cast<double>(y) - cy, u = static_cast<double>(x) - cx;
      for (int64_t c = 0; c < image.channels; ++c)
        out.pixels[static_cast<size_t>(offset(image, y, x) + c)] =
            to_byte(sample(image, cy + cos * v + sin * u, cx - sin * v + cos * u, c));
    }
  return out;
}

// Pulls every value towards the image's mean, keeping the share `amount` of the distance.
Image contrast(Image image, double amount, Random&) {
  if (image.pixels.empty()) return image;
  const double mean = std::accumulate(image.pixels.begin(), image.pixels.end(), 0.0) /
                      static_cast<double>(image.pixels.size());
  for (auto& value : image.pixels) value = to_byte(mean + amount * (value - mean));
  return image;
}

struct Corruption {
  std::string name;
  Steps amounts;  // of severities 1 to 5
  std::function<Image(const Image&, double, Random&)> apply;
};

const std::vector<Corruption>& table() {
  static const std::vector<Corruption> kTable = {
      {"noise", {0.04, 0.08, 0.12, 0.18, 0.26}, noise},
      {"blur", {0.02, 0.03, 0.045, 0.065, 0.09}, blur},
      {"occlusion", {0.04, 0.08, 0.15, 0.25, 0.4}, occlusion},
      {"shift", {0.04, 0.08, 0.12, 0.18, 0.25}, shift},
      {"rotation", {5, 10, 20, 30, 45}, rotation},
      {"contrast", {0.6, 0.4, 0.25, 0.15, 0.08}, contrast},
  };
  return kTable;
}

}  // namespace

const std::vector<std::string>& corruptions() {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names;
    for (const auto& entry : table()) names.push_back(entry.name);
    return names;
  }();
  return kNames;
}

Image corrupt(const Image& image, const std::string& name, int64_t severity, uint64_t seed) {
  const auto& entries = table();
  const auto entry =
      std::find_if(entries.begin(), entries.end(), [&](auto& e) { return e.name == name; });
  if (entry == entries.end() || severity < 1 || severity > kSeverities)
    throw InternalError("robustness",
                        fmt::format("expected a corruption and a severity of 1 to {}, got '{}' {}",
                                    kSeverities, name, severity));
  // Severities share the seed: the same place and direction, only more of it.
  Random random(seed, static_cast<uint64_t>(entry - entries.begin()));
  return entry->apply(image, entry->amounts[static_cast<size_t>(severity - 1)], random);
}

Image shuffle_patches(const Image& image, int64_t grid, uint64_t seed) {
  if (grid < 1 || grid > std::min(image.height, image.width))
    throw InternalError("robustness", fmt::format("expected a grid of 1 to {}, got {}",
                                                  std::min(image.height, image.width), grid));
  const int64_t height = image.height / grid, width = image.width / grid;
  std::vector<int64_t> from(static_cast<size_t>(grid * grid));
  std::iota(from.begin(), from.end(), int64_t{0});
  if (grid > 1) {
    Random random(seed, static_cast<uint64_t>(grid));
    random.shuffle(from);
  }
  Image out = image;
  for (int64_t patch = 0; patch < grid * grid; ++patch) {
    const int64_t source = from[static_cast<size_t>(patch)];
    for (int64_t row = 0; row < height; ++row) {
      const auto begin =
          image.pixels.begin() + offset(image, source / grid * height + row, source % grid * width);
      std::copy(
          begin, begin + width * image.channels,
          out.pixels.begin() + offset(image, patch / grid * height + row, patch % grid * width));
    }
  }
  return out;
}

}  // namespace braid::evaluate
