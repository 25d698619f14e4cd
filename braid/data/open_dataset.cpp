#include "braid/data/open_dataset.h"

#include <fmt/format.h>

#include "braid/core/error.h"
#include "braid/data/folds.h"
#include "braid/data/single_classes.h"

namespace braid::data {
namespace {

constexpr const char* kItem = "image";

// Splits val off train.
void split_off_val(Splits& splits, const std::string& spec, const OpenOptions& options) {
  auto [val, train] =
      split_stratified(splits.train, options.val_fraction, options.split_seed, Lone::kRest);
  const auto images = splits.train->size();
  if (val.empty())
    throw DataError(
        "data",
        images == 1 ? std::string("expected at least two images, got 1")
                    : fmt::format("expected a class of two images or more to validate with, got {} "
                                  "classes of one",
                                  images),
        spec, "add images, or put those to validate with into val/");
  remark_on_single_classes(*splits.train, kItem, splits.remarks);
  splits.val = subset(splits.train, std::move(val));
  splits.train = subset(splits.train, std::move(train));
}

Splits open_with_train(const std::string& spec, const SourceOptions& options) {
  Splits splits = open_source(spec, options);
  if (splits.train == nullptr)
    throw DataError("data", "expected a train split to learn from", spec,
                    "put the class folders of the training images into train/");
  return splits;
}

}  // namespace

Splits open_dataset(const std::string& spec, const OpenOptions& options) {
  if (!(options.val_fraction > 0 && options.val_fraction < 1))
    throw ConfigError(
        "data",
        fmt::format("expected val_fraction above 0 and below 1, got {}", options.val_fraction),
        "--val-fraction");
  Splits splits = open_with_train(spec, options.source);
  if (splits.val == nullptr) split_off_val(splits, spec, options);
  return splits;
}

std::vector<Splits> open_folds(const std::string& spec, int64_t folds, const OpenOptions& options) {
  return divide_folds(open_with_train(spec, options.source), spec, kItem, folds,
                      options.split_seed);
}

}  // namespace braid::data
