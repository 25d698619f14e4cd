// RandAugment (https://arxiv.org/abs/1909.13719) with timm's operations and magnitudes.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <sstream>

#include "braid/core/error.h"
#include "braid/data/image/transforms.h"

namespace braid::data {
namespace {

constexpr double kMaxMagnitude = 10;

uint8_t to_byte(double v) { return static_cast<uint8_t>(std::clamp(v + 0.5, 0.0, 255.0)); }

// What moves into view has the dataset's mean colour.
uint8_t fill_value(const InputConfig& input, int64_t c) {
  return to_byte(
      255 * input.mean.at(input.mean.size() > static_cast<size_t>(c) ? static_cast<size_t>(c) : 0));
}

// Output pixel (x, y) comes from (a x + b y + c, d x + e y + f), bilinear.
void affine(io::Image& image, const std::array<double, 6>& m, const InputConfig& input) {
  const io::Image in = image;
  const int64_t H = in.height, W = in.width, C = in.channels;
  for (int64_t y = 0; y < H; ++y)
    for (int64_t x = 0; x < W; ++x) {
      const double u = static_cast<double>(x) + 0.5, v = static_cast<double>(y) + 0.5;
      const double sx = m[0] * u + m[1] * v + m[2] - 0.5, sy = m[3] * u + m[4] * v + m[5] - 0.5;
      const double fx = std::floor(sx), fy = std::floor(sy), wx = sx - fx, wy = sy - fy;
      for (int64_t c = 0; c < C; ++c) {
        const double fill = fill_value(input, c);
        const auto at = [&](double px, double py) {
          if (px < 0 || py < 0 || px >= static_cast<double>(W) || py >= static_cast<double>(H))
            return fill;
          return static_cast<double>(in.pixels[static_cast<size_t>(
              (static_cast<int64_t>(py) * W + static_cast<int64_t>(px)) * C + c)]);
        };
        const double top = at(fx, fy) * (1 - wx) + at(fx + 1, fy) * wx;
        const double bottom = at(fx, fy + 1) * (1 - wx) + at(fx + 1, fy + 1) * wx;
        image.pixels[static_cast<size_t>((y * W + x) * C + c)] =
            to_byte(top * (1 - wy) + bottom * wy);
      }
    }
}

template <class F>
void each_pixel(io::Image& image, F f) {
  for (auto& p : image.pixels) p = f(p);
}

double luma(const io::Image& image, size_t pixel) {
  const uint8_t* p = &image.pixels[pixel * static_cast<size_t>(image.channels)];
  return image.channels == 1 ? p[0] : 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2];
}

// image = other + factor * (image - other), other given per pixel and channel.
template <class Other>
void blend(io::Image& image, double factor, const Other& other) {
  const auto C = static_cast<size_t>(image.channels);
  const size_t count = image.pixels.size() / C;
  for (size_t i = 0; i < count; ++i) {
    const double o = other(i);
    for (size_t c = 0; c < C; ++c) {
      uint8_t& p = image.pixels[i * C + c];
      p = to_byte(o + factor * (p - o));
    }
  }
}

void sharpness(io::Image& image, double factor) {  // against PIL's SMOOTH filter; the border stays
  const io::Image in = image;
  const int64_t H = in.height, W = in.width, C = in.channels;
  for (int64_t y = 1; y + 1 < H; ++y)
    for (int64_t x = 1; x + 1 < W; ++x)
      for (int64_t c = 0; c < C; ++c) {
        double sum = 0;
        for (int64_t dy = -1; dy <= 1; ++dy)
          for (int64_t dx = -1; dx <= 1; ++dx)
            sum += in.pixels[static_cast<size_t>(((y + dy) * W + x + dx) * C + c)] *
                   (dx == 0 && dy == 0 ? 5 : 1);
        const double smooth = sum / 13;
        uint8_t& p = image.pixels[static_cast<size_t>((y * W + x) * C + c)];
        p = to_byte(smooth + factor * (p - smooth));
      }
}

// Applies table[c][value] to every channel.
void lookup(io::Image& image, const std::vector<std::array<uint8_t, 256>>& tables) {
  for (size_t i = 0; i < image.pixels.size(); ++i)
    image.pixels[i] = tables[i % tables.size()][image.pixels[i]];
}

std::array<int64_t, 256> histogram(const io::Image& image, size_t channel) {
  std::array<int64_t, 256> counts{};
  for (size_t i = channel; i < image.pixels.size(); i += static_cast<size_t>(image.channels))
    ++counts[image.pixels[i]];
  return counts;
}

void auto_contrast(io::Image& image) {
  std::vector<std::array<uint8_t, 256>> tables(static_cast<size_t>(image.channels));
  for (size_t c = 0; c < tables.size(); ++c) {
    const auto counts = histogram(image, c);
    int low = 0, high = 255;
    while (low < 255 && counts[static_cast<size_t>(low)] == 0) ++low;
    while (high > 0 && counts[static_cast<size_t>(high)] == 0) --high;
    for (int v = 0; v < 256; ++v)
      tables[c][static_cast<size_t>(v)] =
          high <= low ? static_cast<uint8_t>(v)
                      : to_byte(std::floor((v - low) * 255.0 / (high - low)));
  }
  lookup(image, tables);
}

void equalize(io::Image& image) {
  std::vector<std::array<uint8_t, 256>> tables(static_cast<size_t>(image.channels));
  for (size_t c = 0; c < tables.size(); ++c) {
    const auto counts = histogram(image, c);
    int64_t total = 0, last = 0;
    for (const int64_t n : counts) {
      total += n;
      if (n > 0) last = n;
    }
    const int64_t step = (total - last) / 255;
    int64_t sum = step / 2;
    for (size_t v = 0; v < 256; ++v) {
      tables[c][v] = step == 0 ? static_cast<uint8_t>(v)
                               : static_cast<uint8_t>(std::min<int64_t>(255, sum / step));
      sum += counts[v];
    }
  }
  lookup(image, tables);
}

enum Operation {
  kAutoContrast,
  kEqualize,
  kInvert,
  kRotate,
  kPosterize,
  kSolarize,
  kSolarizeAdd,
  kColor,
  kContrast,
  kBrightness,
  kSharpness,
  kShearX,
  kShearY,
  kTranslateX,
  kTranslateY,
  kOperations
};

void apply(io::Image& image, Operation operation, double magnitude, bool increasing,
           const InputConfig& input, Random& random) {
  const double level = magnitude / kMaxMagnitude;
  const double sign = random.uniform() < 0.5 ? -1.0 : 1.0;
  const double factor = increasing ? std::max(0.1, 1.0 + sign * 0.9 * level) : 0.1 + 1.8 * level;
  const double W = static_cast<double>(image.width), H = static_cast<double>(image.height);
  switch (operation) {
    case kAutoContrast:
      return auto_contrast(image);
    case kEqualize:
      return equalize(image);
    case kInvert:
      return each_pixel(image, [](uint8_t p) { return static_cast<uint8_t>(255 - p); });
    case kRotate: {
      const double a = sign * 30 * level * std::numbers::pi / 180, c = std::cos(a), s = std::sin(a);
      return affine(image,
                    {c, s, W / 2 - c * W / 2 - s * H / 2, -s, c, H / 2 + s * W / 2 - c * H / 2},
                    input);
    }
    case kPosterize: {
      const int bits = increasing ? 4 - static_cast<int>(level * 4) : static_cast<int>(level * 4);
      const auto mask = static_cast<uint8_t>(bits >= 8 ? 0xff : ~((1 << (8 - bits)) - 1));
      return each_pixel(image, [mask](uint8_t p) { return static_cast<uint8_t>(p & mask); });
    }
    case kSolarize: {
      const int kept = static_cast<int>(level * 256), threshold = increasing ? 256 - kept : kept;
      return each_pixel(
          image, [=](uint8_t p) { return p < threshold ? p : static_cast<uint8_t>(255 - p); });
    }
    case kSolarizeAdd: {
      const int add = std::min(128, static_cast<int>(level * 110));
      return each_pixel(image, [=](uint8_t p) {
        return p < 128 ? static_cast<uint8_t>(std::min(255, p + add)) : p;
      });
    }
    case kColor:
      return blend(image, factor, [copy = image](size_t i) { return luma(copy, i); });
    case kContrast: {
      double mean = 0;
      const size_t count = image.pixels.size() / static_cast<size_t>(image.channels);
      for (size_t i = 0; i < count; ++i) mean += luma(image, i);
      mean = std::floor(mean / static_cast<double>(count) + 0.5);
      return blend(image, factor, [mean](size_t) { return mean; });
    }
    case kBrightness:
      return blend(image, factor, [](size_t) { return 0.0; });
    case kSharpness:
      return sharpness(image, factor);
    case kShearX:
      return affine(image, {1, sign * 0.3 * level, 0, 0, 1, 0}, input);
    case kShearY:
      return affine(image, {1, 0, 0, sign * 0.3 * level, 1, 0}, input);
    case kTranslateX:
      return affine(image, {1, 0, sign * 0.45 * level * W, 0, 1, 0}, input);
    case kTranslateY:
      return affine(image, {1, 0, 0, 0, 1, sign * 0.45 * level * H}, input);
    case kOperations:
      return;
  }
}

[[noreturn]] void bad(const std::string& text, const std::string& part) {
  throw ConfigError(
      "data", fmt::format("expected RandAugment like rand-m9-n2-mstd0.5-inc1, got '{}'", text),
      "--aa, at '" + part + "'");
}

double number(const std::string& text, const std::string& part, size_t skip) {
  size_t used = 0;
  double value = -1;
  try {
    value = std::stod(part.substr(skip), &used);
  } catch (const std::exception&) {
    used = 0;  // no number at all
  }
  if (used == 0 || used + skip != part.size() || !(value >= 0)) bad(text, part);
  return value;
}

}  // namespace

RandAugmentConfig parse_rand_augment(const std::string& text) {
  RandAugmentConfig config;
  if (text.empty()) return config;
  std::istringstream in(text);
  std::string part;
  std::getline(in, part, '-');
  if (part != "rand") bad(text, part);
  while (std::getline(in, part, '-')) {
    if (part.starts_with("mstd"))
      config.magnitude_std = number(text, part, 4);
    else if (part.starts_with("inc"))
      config.increasing = number(text, part, 3) != 0;
    else if (part.starts_with('m'))
      config.magnitude = number(text, part, 1);
    else if (part.starts_with('n'))
      config.layers = static_cast<int64_t>(number(text, part, 1));
    else if (part.starts_with('p'))
      config.probability = number(text, part, 1);
    else
      bad(text, part);
  }
  if (config.magnitude > kMaxMagnitude || config.layers < 1 || config.layers > 16 ||
      config.probability > 1)
    bad(text, text);
  return config;
}

void rand_augment(io::Image& image, const RandAugmentConfig& config, const InputConfig& input,
                  Random& random) {
  for (int64_t i = 0; i < config.layers; ++i) {
    const auto operation = static_cast<Operation>(random.below(kOperations));
    if (random.uniform() >= config.probability) continue;
    double magnitude = config.magnitude;
    if (config.magnitude_std > 0) magnitude += config.magnitude_std * random.normal();
    apply(image, operation, std::clamp(magnitude, 0.0, kMaxMagnitude), config.increasing, input,
          random);
  }
}

}  // namespace braid::data
