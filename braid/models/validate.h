// Checks of a model's config, made once at construction.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "braid/torch.h"

namespace braid::models {

constexpr int64_t kMaxClasses = 1'000'000;
constexpr int64_t kMaxChannels = 1024;   // of an image
constexpr int64_t kMaxImageSize = 4096;  // pixels along one side
constexpr int64_t kMaxBlocks = 1000;     // of one stage

// Each check throws ConfigError naming model, field and value, or returns *this.
class Validator {
 public:
  explicit Validator(std::string model) : model_(std::move(model)) {}
  // 0 <= num_classes <= 10^6, 1 <= in_chans <= 1024, 1 <= img_size <= 4096.
  const Validator& input(int64_t num_classes, int64_t in_chans, int64_t img_size) const;
  const Validator& positive(const char* field, int64_t value) const;
  const Validator& positive(const char* field, const std::vector<int64_t>& values) const;
  // Blocks of a stage, or of each: 1 to 1000. A few bytes of a config could ask for any number.
  const Validator& depth(const char* field, int64_t blocks) const;
  const Validator& depth(const char* field, const std::vector<int64_t>& blocks) const;
  // Positive and odd, such as a kernel's size.
  const Validator& odd(const char* field, int64_t value, int64_t most = 1'000'000) const;
  const Validator& between(const char* field, int64_t value, int64_t least, int64_t most) const;
  const Validator& between(const char* field, double value, double least, double most) const;
  const Validator& one_of(const char* field, const std::string& value,
                          const std::vector<std::string>& choices) const;
  const Validator& divides(const char* field, int64_t divisor, const char* whole_field,
                           int64_t whole) const;
  const Validator& rate(const char* field, double value) const;  // 0 <= value < 1
  // 0 < ratio <= 64, and at least one of `dim` channels: a hidden layer's.
  const Validator& ratio(const char* field, double ratio, int64_t dim) const;
  // 1 <= count <= 10: more halvings than any image has.
  const Validator& stages(const char* field, size_t count) const;
  // Lists that have an entry for each of the `count` entries of `field`, of which there must be
  // one.
  struct List {
    const char* field;
    size_t size;
  };
  const Validator& same_length(const char* field, size_t count,
                               std::initializer_list<List> lists) const;
  // What no check here covers; message: "expected ..., got ...".
  [[noreturn]] void fail(const std::string& message) const;

 private:
  std::string model_;
};

// For models with tables of one grid: throws UsageError unless x, [B,C,H,W], has img_size pixels
// along both sides.
void expect_img_size(const char* model, const torch::Tensor& x, int64_t img_size);
// The same of models with a position for each of grid_size^2 tokens, whose x may be somewhat
// smaller or larger where that makes as many. tokens: [B,N,D], what x became.
void expect_img_size(const char* model, const torch::Tensor& x, int64_t img_size,
                     const torch::Tensor& tokens, int64_t grid_size);

}  // namespace braid::models
