#include "braid/models/validate.h"

#include <fmt/format.h>

#include "braid/core/error.h"

namespace braid::models {

const Validator& Validator::in_range(const char* field, int64_t value, int64_t low,
                                     int64_t high) const {
  if (value < low || value > high)
    throw ConfigError("models",
                      fmt::format("expected {} between {} and {}, got {}", field, low, high, value),
                      "model " + model_);
  return *this;
}

const Validator& Validator::input(int64_t num_classes, int64_t in_chans, int64_t img_size) const {
  in_range("num_classes", num_classes, 0, kMaxClasses);
  in_range("in_chans", in_chans, 1, kMaxChannels);
  return in_range("img_size", img_size, 1, kMaxImageSize);
}

const Validator& Validator::positive(const char* field, int64_t value) const {
  return in_range(field, value, 1, 1'000'000);
}

const Validator& Validator::divides(const char* field, int64_t divisor, const char* whole_field,
                                    int64_t whole) const {
  positive(field, divisor);
  positive(whole_field, whole);
  if (whole % divisor != 0)
    throw ConfigError(
        "models",
        fmt::format("expected {} to divide {} = {}, got {}", field, whole_field, whole, divisor),
        "model " + model_);
  return *this;
}

const Validator& Validator::rate(const char* field, double value) const {
  if (!(value >= 0 && value < 1))
    throw ConfigError("models", fmt::format("expected 0 <= {} < 1, got {}", field, value),
                      "model " + model_);
  return *this;
}

const Validator& Validator::ratio(const char* field, double ratio, int64_t dim) const {
  constexpr double kMaxRatio = 64;
  if (!(ratio > 0 && ratio <= kMaxRatio))
    throw ConfigError("models",
                      fmt::format("expected 0 < {} <= {}, got {}", field, kMaxRatio, ratio),
                      "model " + model_);
  if (static_cast<int64_t>(ratio * static_cast<double>(dim)) < 1)
    throw ConfigError("models",
                      fmt::format("expected {} of at least 1/{}, got {}", field, dim, ratio),
                      "model " + model_);
  return *this;
}

const Validator& Validator::stages(const char* field, size_t count) const {
  if (count < 1 || count > 10)
    throw ConfigError("models",
                      fmt::format("expected 1 to 10 stages, got {} numbers in {}", count, field),
                      "model " + model_);
  return *this;
}

void expect_img_size(const char* model, const torch::Tensor& x, int64_t img_size) {
  if (x.size(2) == img_size && x.size(3) == img_size) return;
  throw UsageError("models",
                   fmt::format("expected images of {0} x {0} pixels, got {1} x {2}", img_size,
                               x.size(2), x.size(3)),
                   fmt::format("model {}", model), "build the model with this img_size");
}

}  // namespace braid::models
