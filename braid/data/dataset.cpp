#include "braid/data/dataset.h"

#include <fmt/format.h>

#include <algorithm>

#include "braid/core/error.h"
#include "braid/data/bad_samples.h"

namespace braid::data {
namespace {

class Subset final : public Dataset {
 public:
  Subset(DatasetPtr parent, std::vector<int64_t> indices)
      : parent_(std::move(parent)), indices_(std::move(indices)) {}
  int64_t size() const override { return static_cast<int64_t>(indices_.size()); }
  Example get(int64_t i) const override {
    return parent_->get(indices_.at(static_cast<size_t>(i)));
  }
  int64_t label(int64_t i) const override {
    return parent_->label(indices_.at(static_cast<size_t>(i)));
  }
  std::string describe(int64_t i) const override {
    return parent_->describe(indices_.at(static_cast<size_t>(i)));
  }
  const std::vector<std::string>& classes() const override { return parent_->classes(); }
  int64_t channels() const override { return parent_->channels(); }
  void check_header(int64_t i) const override {
    parent_->check_header(indices_.at(static_cast<size_t>(i)));
  }

 private:
  DatasetPtr parent_;
  std::vector<int64_t> indices_;
};

}  // namespace

std::pair<std::vector<int64_t>, std::vector<int64_t>> split_stratified(const DatasetPtr& dataset,
                                                                       double fraction,
                                                                       int64_t seed, Lone lone) {
  return split_labels(labels_of(*dataset), static_cast<int64_t>(dataset->classes().size()),
                      fraction, seed, lone);
}

io::Image first_image(const Dataset& dataset) {
  constexpr int64_t kAttempts = 100;
  const int64_t attempts = std::min(kAttempts, dataset.size());
  if (attempts == 0) throw DataError("data", "expected at least one image");
  io::Image image;
  for (int64_t i = 0; i + 1 < attempts; ++i)
    if (can_read([&] { image = dataset.get(i).image; })) return image;
  return dataset.get(attempts - 1).image;
}

DatasetPtr subset(DatasetPtr parent, std::vector<int64_t> indices) {
  return std::make_shared<Subset>(std::move(parent), std::move(indices));
}

DatasetPtr sample_fraction(const DatasetPtr& dataset, double fraction, int64_t seed) {
  if (!(fraction > 0 && fraction <= 1))
    throw ConfigError("data",
                      fmt::format("expected a fraction above 0 and up to 1, got {}", fraction));
  return fraction == 1 ? dataset : subset(dataset, split_stratified(dataset, fraction, seed).first);
}

}  // namespace braid::data
