// Robustness: a bad image does not end it where it may be skipped.
#include "braid/evaluate/image/robustness.h"

#include <gtest/gtest.h>

#include "braid/core/error.h"
#include "braid/models/registry.h"

namespace braid::evaluate {
namespace {

class OneBad final : public data::Dataset {
 public:
  int64_t size() const override { return 9; }
  data::Example get(int64_t i) const override {
    if (i == bad) throw DataError("test", "cut off", describe(i));
    return {{16, 16, 1, std::vector<uint8_t>(256, static_cast<uint8_t>(20 * i))}, label(i)};
  }
  int64_t label(int64_t i) const override { return i % 3; }
  std::string describe(int64_t i) const override { return std::to_string(i); }
  const std::vector<std::string>& classes() const override { return classes_; }
  int64_t channels() const override { return 1; }
  int64_t bad = 4;

 private:
  std::vector<std::string> classes_ = {"a", "b", "c"};
};

TEST(Robustness, ABadImageIsSkippedWhereItMayBe) {
  const auto model = models::create_model(
      "vit_lite_2_4_32", {{"num_classes", 3}, {"in_chans", 1}, {"img_size", 16}}, 1);
  data::InputConfig input;
  input.channels = 1;
  input.height = input.width = 16;
  input.mean = input.std = {0.5};
  input.crop_pct = 1;
  RobustnessOptions options{.images = 0, .grids = {1}, .workers = 0};
  Progress silent;
  const auto data = std::make_shared<OneBad>();
  EXPECT_THROW(measure_robustness(*model, data, input, options, silent), DataError);
  options.on_bad_sample = "skip";
  const auto measured = measure_robustness(*model, data, input, options, silent);
  EXPECT_EQ(measured.images, 8);
  EXPECT_EQ(measured.corrupted.size(), 30u);
  options.workers = 2;
  const auto again = measure_robustness(*model, data, input, options, silent);
  for (size_t k = 0; k < measured.corrupted.size(); ++k)
    EXPECT_EQ(measured.corrupted[k].top1, again.corrupted[k].top1) << "any number of workers";
}

}  // namespace
}  // namespace braid::evaluate
