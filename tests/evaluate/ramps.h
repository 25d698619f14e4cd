// A data set of images that is made as it is read.
#pragma once
#include <string>
#include <vector>

#include "braid/data/dataset.h"

namespace braid::test {

// Twenty gray ramps of four classes.
class Ramps : public data::Dataset {
 public:
  int64_t size() const override { return 20; }
  data::Example get(int64_t index) const override {
    io::Image image{.height = 32, .width = 32, .channels = 1, .pixels = {}};
    for (int64_t k = 0; k < 32 * 32; ++k)
      image.pixels.push_back(static_cast<uint8_t>((k % 32) * (1 + index % 7)));
    return {image, label(index)};
  }
  int64_t label(int64_t index) const override { return index / 5; }
  std::string describe(int64_t index) const override { return std::to_string(index); }
  const std::vector<std::string>& classes() const override { return classes_; }
  int64_t channels() const override { return 1; }

 private:
  std::vector<std::string> classes_ = {"a", "b", "c", "d"};
};

}  // namespace braid::test
