#include "braid/models/validate.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "braid/core/error.h"

namespace braid::models {

void Validator::fail(const std::string& message) const {
  throw ConfigError("models", message, "model " + model_);
}

const Validator& Validator::between(const char* field, int64_t value, int64_t least,
                                    int64_t most) const {
  if (value < least || value > most)
    fail(fmt::format("expected {} between {} and {}, got {}", field, least, most, value));
  return *this;
}

const Validator& Validator::between(const char* field, double value, double least,
                                    double most) const {
  if (!(value >= least && value <= most))
    fail(fmt::format("expected {} <= {} <= {}, got {}", least, field, most, value));
  return *this;
}

const Validator& Validator::input(int64_t num_classes, int64_t in_chans, int64_t img_size) const {
  between("num_classes", num_classes, 0, kMaxClasses);
  between("in_chans", in_chans, 1, kMaxChannels);
  return between("img_size", img_size, 1, kMaxImageSize);
}

const Validator& Validator::positive(const char* field, int64_t value) const {
  return between(field, value, 1, 1'000'000);
}

const Validator& Validator::positive(const char* field, const std::vector<int64_t>& values) const {
  for (const int64_t value : values) positive(field, value);
  return *this;
}

const Validator& Validator::depth(const char* field, int64_t blocks) const {
  return between(field, blocks, 1, kMaxBlocks);
}

const Validator& Validator::depth(const char* field, const std::vector<int64_t>& blocks) const {
  for (const int64_t count : blocks) depth(field, count);
  return *this;
}

const Validator& Validator::odd(const char* field, int64_t value, int64_t most) const {
  if (value < 1 || value % 2 == 0 || value > most)
    fail(fmt::format("expected an odd {} between 1 and {}, got {}", field, most, value));
  return *this;
}

const Validator& Validator::one_of(const char* field, const std::string& value,
                                   const std::vector<std::string>& choices) const {
  if (std::find(choices.begin(), choices.end(), value) == choices.end())
    fail(fmt::format("expected {} '{}', got '{}'", field, fmt::join(choices, "' or '"), value));
  return *this;
}

const Validator& Validator::divides(const char* field, int64_t divisor, const char* whole_field,
                                    int64_t whole) const {
  positive(field, divisor);
  positive(whole_field, whole);
  if (whole % divisor != 0)
    fail(fmt::format("expected {} to divide {} = {}, got {}", field, whole_field, whole, divisor));
  return *this;
}

const Validator& Validator::rate(const char* field, double value) const {
  if (!(value >= 0 && value < 1)) fail(fmt::format("expected 0 <= {} < 1, got {}", field, value));
  return *this;
}

const Validator& Validator::ratio(const char* field, double ratio, int64_t dim) const {
  constexpr double kMaxRatio = 64;
  if (!(ratio > 0 && ratio <= kMaxRatio))
    fail(fmt::format("expected 0 < {} <= {}, got {}", field, kMaxRatio, ratio));
  if (static_cast<int64_t>(ratio * static_cast<double>(dim)) < 1)
    fail(fmt::format("expected {} of at least 1/{}, got {}", field, dim, ratio));
  return *this;
}

const Validator& Validator::stages(const char* field, size_t count) const {
  if (count < 1 || count > 10)
    fail(fmt::format("expected 1 to 10 stages, got {} numbers in {}", count, field));
  return *this;
}

const Validator& Validator::same_length(const char* field, size_t count,
                                        std::initializer_list<List> lists) const {
  if (count == 0) fail(fmt::format("expected at least one entry in {}, got none", field));
  for (const auto& list : lists)
    if (list.size != count)
      fail(fmt::format("expected as many {} as {}, {}, got {}", list.field, field, count,
                       list.size));
  return *this;
}

void expect_img_size(const char* model, const torch::Tensor& x, int64_t img_size) {
  if (x.size(2) == img_size && x.size(3) == img_size) return;
  throw UsageError("models",
                   fmt::format("expected images of {0} x {0} pixels, got {1} x {2}", img_size,
                               x.size(2), x.size(3)),
                   fmt::format("model {}", model), "build the model with this img_size");
}

void expect_img_size(const char* model, const torch::Tensor& x, int64_t img_size,
                     const torch::Tensor& tokens, int64_t grid_size) {
  // As many tokens in another order would meet each other's positions.
  if (x.size(2) != x.size(3) || tokens.size(1) != grid_size * grid_size)
    expect_img_size(model, x, img_size);
}

}  // namespace braid::models
