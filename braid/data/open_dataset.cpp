#include "braid/data/open_dataset.h"

#include <fmt/format.h>

#include "braid/core/error.h"
#include "braid/data/sources.h"

namespace braid::data {

Splits open_dataset(const std::string& spec, const OpenOptions& options) {
  if (!(options.val_fraction > 0 && options.val_fraction < 1))
    throw ConfigError(
        "data", fmt::format("expected val_fraction between 0 and 1, got {}", options.val_fraction),
        "--val-fraction");
  Splits splits = open_source(spec);
  if (splits.train == nullptr)
    throw DataError("data", "expected a train split to learn from", spec,
                    "put the class folders of the training images into train/");
  if (splits.val == nullptr) {
    auto [val, train] = split_stratified(splits.train, options.val_fraction, options.split_seed);
    if (train.empty() || val.empty())
      throw DataError(
          "data", fmt::format("expected at least two images, got {}", splits.train->size()), spec);
    splits.val = subset(splits.train, std::move(val));
    splits.train = subset(splits.train, std::move(train));
  }
  return splits;
}

}  // namespace braid::data
