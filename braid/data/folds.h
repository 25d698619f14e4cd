// Cross-validation: one set of data as several splits of itself.
#pragma once
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "braid/core/error.h"
#include "braid/data/single_classes.h"
#include "braid/data/stratify.h"

namespace braid::data {

// `folds` times the splits of a set without val, each with another stratified part of train as its
// val: each of train's items is validated with once, that of a class of one item never, which is
// remarked. Splits, of images or of texts, has train, val and remarks, and its items have labels;
// item: as in remark_on_single_classes. Throws ConfigError where there is a val, DataError where a
// part would be empty.
template <class Splits>
std::vector<Splits> divide_folds(Splits whole, const std::string& spec, const std::string& item,
                                 int64_t folds, int64_t seed) {
  if (whole.val != nullptr)
    throw ConfigError("data", "expected data without a val split to divide into folds, got one",
                      spec, "leave --folds out, or move what is in val into train");
  const auto& train = whole.train;
  remark_on_single_classes(*train, item, whole.remarks);
  const auto parts =
      fold_labels(labels_of(*train), static_cast<int64_t>(train->classes().size()), folds, seed);
  std::vector<Splits> divided;
  for (const auto& part : parts) {
    if (part.empty())
      throw DataError("data",
                      fmt::format("expected an item for each of {} folds, got {} of classes with "
                                  "two or more",
                                  folds,
                                  std::count_if(parts.begin(), parts.end(),
                                                [](const auto& p) { return !p.empty(); })),
                      spec, "ask for fewer --folds");
    Splits& fold = divided.emplace_back(whole);
    fold.val = subset(train, part);
    fold.train = subset(train, all_but(part, train->size()));
  }
  return divided;
}

}  // namespace braid::data
