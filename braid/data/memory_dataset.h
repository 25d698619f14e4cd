// A dataset whose decoded images are held in memory.
#pragma once
#include <utility>

#include "braid/data/dataset.h"

namespace braid::data {

class MemoryDataset final : public Dataset {
 public:
  // origin: the file that the examples came from, for describe().
  MemoryDataset(std::string origin, std::vector<Example> examples, std::vector<std::string> classes)
      : origin_(std::move(origin)), examples_(std::move(examples)), classes_(std::move(classes)) {}
  int64_t size() const override { return static_cast<int64_t>(examples_.size()); }
  Example get(int64_t i) const override { return examples_.at(static_cast<size_t>(i)); }
  int64_t label(int64_t i) const override { return examples_.at(static_cast<size_t>(i)).label; }
  std::string describe(int64_t i) const override { return origin_ + "[" + std::to_string(i) + "]"; }
  const std::vector<std::string>& classes() const override { return classes_; }
  int64_t channels() const override { return examples_.empty() ? 1 : examples_[0].image.channels; }

 private:
  std::string origin_;
  std::vector<Example> examples_;
  std::vector<std::string> classes_;
};

}  // namespace braid::data
