#include "braid/data/dataset.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "braid/core/error.h"
#include "braid/data/random.h"

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

// Every class's indices in a seeded order, so that a longer prefix contains a shorter one.
std::vector<std::vector<int64_t>> shuffled_by_class(const DatasetPtr& dataset, int64_t seed) {
  std::vector<std::vector<int64_t>> by_class(dataset->classes().size());
  for (int64_t i = 0; i < dataset->size(); ++i)
    by_class.at(static_cast<size_t>(dataset->label(i))).push_back(i);
  for (size_t c = 0; c < by_class.size(); ++c) {
    Random random(static_cast<uint64_t>(seed), 0x5917, c);
    random.shuffle(by_class[c]);
  }
  return by_class;
}

}  // namespace

std::pair<std::vector<int64_t>, std::vector<int64_t>> split_stratified(const DatasetPtr& dataset,
                                                                       double fraction,
                                                                       int64_t seed,
                                                                       Single single) {
  std::vector<int64_t> first, rest;
  for (const auto& indices : shuffled_by_class(dataset, seed)) {
    const auto n = static_cast<int64_t>(indices.size());
    // Half an example rounds up: a class of two or more is in both parts.
    int64_t take = static_cast<int64_t>(std::lround(static_cast<double>(n) * fraction));
    if (n > 0 && fraction > 0) take = std::max<int64_t>(take, 1);
    if (n > 1 && fraction < 1) take = std::min(take, n - 1);
    if (n == 1 && single == Single::kRest) take = 0;
    first.insert(first.end(), indices.begin(), indices.begin() + take);
    rest.insert(rest.end(), indices.begin() + take, indices.end());
  }
  std::sort(first.begin(), first.end());
  std::sort(rest.begin(), rest.end());
  return {first, rest};
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
