#include "braid/data/image/transforms.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "braid/core/error.h"
#include "braid/data/image/crops.h"
#include "braid/io/evaluation_view.h"
#include "braid/io/resize.h"

namespace braid::data {
namespace {

using io::Interpolation;

constexpr uint64_t kCoinStream = 0xf11b;  // of what is tossed once; an epoch's uses the seed itself

// Evaluation is the same every time: bilinear stands for random there.
Interpolation interpolation_of(const InputConfig& input) {
  if (input.interpolation == "bicubic") return Interpolation::kBicubic;
  if (input.interpolation != "bilinear" && input.interpolation != "random")
    check_fields(input, "data");  // throws
  return Interpolation::kBilinear;
}

Interpolation pick_interpolation(const InputConfig& input, Random& random) {
  if (input.interpolation != "random") return interpolation_of(input);
  return random.below(2) == 0 ? Interpolation::kBilinear : Interpolation::kBicubic;
}

io::Image random_resized_crop(const io::Image& image, const InputConfig& input,
                              const AugmentConfig& augment, Random& random) {
  const auto interpolation = pick_interpolation(input, random);
  const auto H = static_cast<double>(image.height), W = static_cast<double>(image.width);
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double area = H * W * random.uniform(augment.scale[0], augment.scale[1]);
    const double ratio =
        std::exp(random.uniform(std::log(augment.ratio[0]), std::log(augment.ratio[1])));
    const double w = std::round(std::sqrt(area * ratio)), h = std::round(std::sqrt(area / ratio));
    if (w < 1 || h < 1 || w > W || h > H) continue;
    const auto left = static_cast<double>(random.below(static_cast<int64_t>(W - w) + 1));
    const auto top = static_cast<double>(random.below(static_cast<int64_t>(H - h) + 1));
    return io::resize(image, input.height, input.width, interpolation,
                      {left, top, left + w, top + h});
  }
  // Nothing fitted: the largest centre crop within the ratios.
  const double ratio = std::clamp(W / H, augment.ratio[0], augment.ratio[1]);
  const double w = std::min(W, std::round(H * ratio)), h = std::min(H, std::round(W / ratio));
  const double left = std::floor((W - w) / 2), top = std::floor((H - h) / 2);
  return io::resize(image, input.height, input.width, interpolation,
                    {left, top, left + w, top + h});
}

// The pixel inside 0 .. side - 1 that stands for one outside of it.
int64_t inside(int64_t at, int64_t side, bool reflect) {
  if (!reflect || side == 1) return std::clamp<int64_t>(at, 0, side - 1);
  const int64_t period = 2 * (side - 1), folded = ((at % period) + period) % period;
  return std::min(folded, period - folded);
}

// Moves the image by up to `padding` pixels, as a crop of the padded image does.
io::Image pad_crop(const io::Image& image, int64_t padding, const std::string& mode,
                   Random& random) {
  const int64_t dy = random.below(2 * padding + 1) - padding,
                dx = random.below(2 * padding + 1) - padding;
  io::Image out{image.height, image.width, image.channels,
                std::vector<uint8_t>(image.pixels.size(), 0)};
  const int64_t C = image.channels, H = image.height, W = image.width;
  const bool black = mode == "constant", reflect = mode == "reflect";
  const int64_t x0 = std::clamp<int64_t>(-dx, 0, W), x1 = std::clamp<int64_t>(W - dx, x0, W);
  for (int64_t y = 0; y < H; ++y) {
    if (black && (y + dy < 0 || y + dy >= H)) continue;
    const uint8_t* row = image.pixels.data() + inside(y + dy, H, reflect) * W * C;
    uint8_t* to = out.pixels.data() + y * W * C;
    if (x1 > x0) std::copy_n(row + (x0 + dx) * C, (x1 - x0) * C, to + x0 * C);
    if (black) continue;
    for (int64_t x = 0; x < W; ++x)
      if (x < x0 || x >= x1) std::copy_n(row + inside(x + dx, W, reflect) * C, C, to + x * C);
  }
  return out;
}

void check_range(const char* field, const std::vector<double>& range) {
  if (range.size() != 2 || !(range[1] >= range[0]))
    throw ConfigError("data", fmt::format("expected two rising numbers for {}, got {}", field,
                                          Json(range).dump()));
}

}  // namespace

void InputConfig::visit(FieldVisitor& v) {
  v.field("channels", channels, "1 gray, 3 colour", {.least = 1});
  v.field("height", height, "pixels", {.least = 1});
  v.field("width", width, "pixels", {.least = 1});
  v.field("mean", mean, "of pixels in [0, 1], one per channel");
  v.field("std", std, "of pixels in [0, 1], one per channel", {.above = 0});
  v.field("interpolation", interpolation,
          "antialiased as PIL does; random: one of the two in training, else bilinear",
          {.choices = {"bicubic", "bilinear", "random"}});
  v.field("crop_pct", crop_pct, "evaluation: resize to size / crop_pct, then centre crop",
          {.least = 0.05, .most = 2});
  v.field("crop_mode", crop_mode, "evaluation: what is resized (timm's)",
          {.choices = {"center", "squash", "border"}});
}

void AugmentConfig::visit(FieldVisitor& v) {
  const FieldRules probability = {.least = 0, .most = 1};
  v.field("no_aug", no_aug, "no augmentation at all");
  v.field("train_crop", train_crop,
          "rrc: random-resized-crop; pad: pad and crop; auto: pad up to 64 px",
          {.choices = {"auto", "rrc", "pad", "none"}});
  v.field("scale", scale, "random-resized-crop: share of the area, low and high", {.above = 0});
  v.field("ratio", ratio, "random-resized-crop: aspect ratio, low and high", {.above = 0});
  v.field("crop_padding", crop_padding, "pad and crop: pixels", {.least = 0, .most = 1024});
  v.field("padding_mode", padding_mode, "pad and crop: what is outside of the image",
          {.choices = {"constant", "edge", "reflect"}});
  v.field("hflip", hflip, "probability of a horizontal flip", probability);
  v.field("alternate_flip", alternate_flip,
          "flip every image in every other epoch, half of them in each, in place of tossing a coin "
          "each time");
  v.field("aa", aa, "RandAugment, such as rand-m9-mstd0.5-inc1; empty: off");
  v.field("reprob", reprob, "probability of random erasing", probability);
  v.field("mixup", mixup, "mixup alpha, 0: off", {.least = 0});
  v.field("cutmix", cutmix, "cutmix alpha, 0: off", {.least = 0});
  v.field("mixup_prob", mixup_prob, "probability of mixing a batch", probability);
  v.field("mixup_switch_prob", mixup_switch_prob,
          "probability of cutmix rather than mixup when both are on", probability);
}

void validate(const AugmentConfig& augment) {
  check_fields(augment, "data");
  check_range("scale", augment.scale);
  check_range("ratio", augment.ratio);
  parse_rand_augment(augment.aa);
  if (augment.alternate_flip && augment.hflip != 0.5)
    throw ConfigError("data",
                      fmt::format("expected hflip 0.5 with alternate_flip, got {}", augment.hflip),
                      "", "alternate_flip shows every image both ways equally often");
}

void validate(const InputConfig& input) {
  check_fields(input, "data");
  const auto channels = static_cast<size_t>(input.channels);
  if (input.mean.size() != channels || input.std.size() != channels)
    throw ConfigError("data", fmt::format("expected {} numbers in mean and in std, got {} and {}",
                                          channels, input.mean.size(), input.std.size()));
}

io::Image prepare_for_evaluation(const io::Image& image, const InputConfig& input) {
  interpolation_of(input);  // refuses what is none
  return io::evaluation_view(image, view_of(input));
}

bool crops_randomly(const AugmentConfig& augment, const InputConfig& input) {
  const bool small = std::max(input.height, input.width) <= kSmallImage;
  return !augment.no_aug &&
         (augment.train_crop == "rrc" || (augment.train_crop == "auto" && !small));
}

bool is_flipped(int64_t seed, int64_t epoch, int64_t index) {
  Random coin(static_cast<uint64_t>(seed) ^ kCoinStream, 0, static_cast<uint64_t>(index));
  return (coin.uniform() < 0.5) == (epoch % 2 == 0);
}

io::Image augment_prepared(io::Image image, const InputConfig& input, const AugmentConfig& augment,
                           Random& random, std::optional<bool> mirrored) {
  if (augment.no_aug) return image;
  if (!crops_randomly(augment, input) && augment.train_crop != "none")
    image = pad_crop(image, augment.crop_padding, augment.padding_mode, random);
  const bool by_chance = random.uniform() < augment.hflip;
  if (mirrored.value_or(by_chance)) image = mirror_image(std::move(image));
  if (!augment.aa.empty()) rand_augment(image, parse_rand_augment(augment.aa), input, random);
  return image;
}

io::Image prepare_for_training(const io::Image& image, const InputConfig& input,
                               const AugmentConfig& augment, Random& random,
                               std::optional<bool> mirrored) {
  io::Image prepared =
      crops_randomly(augment, input)
          ? random_resized_crop(io::convert_channels(image, input.channels), input, augment, random)
          : prepare_for_evaluation(image, input);
  return augment_prepared(std::move(prepared), input, augment, random, mirrored);
}

void normalize(const io::Image& image, const InputConfig& input, float* out) {
  const int64_t C = image.channels;
  const auto channels = static_cast<size_t>(C);
  std::vector<float> scale(channels), shift(channels);
  for (size_t c = 0; c < channels; ++c) {
    const size_t k = input.mean.size() == channels ? c : 0;
    scale[c] = static_cast<float>(1.0 / (255.0 * input.std.at(k)));
    shift[c] = static_cast<float>(-input.mean.at(k) / input.std.at(k));
  }
  const int64_t pixels = image.height * image.width;
  const uint8_t* in = image.pixels.data();
  for (int64_t i = 0; i < pixels; ++i)
    for (size_t c = 0; c < channels; ++c) *out++ = static_cast<float>(*in++) * scale[c] + shift[c];
}

void random_erase(float* image, const InputConfig& input, double probability, Random& random) {
  if (probability == 0 || random.uniform() >= probability) return;
  const auto H = static_cast<double>(input.height), W = static_cast<double>(input.width);
  for (int attempt = 0; attempt < 10; ++attempt) {  // timm's RandomErasing, mode pixel
    const double area = random.uniform(0.02, 1.0 / 3) * H * W;
    const double aspect = std::exp(random.uniform(std::log(0.3), std::log(1 / 0.3)));
    const auto h = static_cast<int64_t>(std::round(std::sqrt(area * aspect)));
    const auto w = static_cast<int64_t>(std::round(std::sqrt(area / aspect)));
    if (h < 1 || w < 1 || h >= input.height || w >= input.width) continue;
    const int64_t top = random.below(input.height - h + 1),
                  left = random.below(input.width - w + 1);
    for (int64_t y = top; y < top + h; ++y)
      for (int64_t i = 0; i < w * input.channels; ++i)
        image[(y * input.width + left) * input.channels + i] = static_cast<float>(random.normal());
    return;
  }
}

}  // namespace braid::data
