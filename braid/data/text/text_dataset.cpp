#include "braid/data/text/text_dataset.h"

#include <fmt/format.h>

#include <algorithm>

#include "braid/core/error.h"
#include "braid/data/folds.h"
#include "braid/data/single_classes.h"
#include "braid/data/stratify.h"

namespace braid::data {
namespace {

class TextSubset final : public TextDataset {
 public:
  TextSubset(TextDatasetPtr parent, std::vector<int64_t> indices)
      : parent_(std::move(parent)), indices_(std::move(indices)) {}
  int64_t size() const override { return static_cast<int64_t>(indices_.size()); }
  TextExample get(int64_t i) const override { return parent_->get(at(i)); }
  int64_t label(int64_t i) const override { return parent_->label(at(i)); }
  std::string describe(int64_t i) const override { return parent_->describe(at(i)); }
  const std::vector<std::string>& classes() const override { return parent_->classes(); }

 private:
  int64_t at(int64_t i) const { return indices_.at(static_cast<size_t>(i)); }

  TextDatasetPtr parent_;
  std::vector<int64_t> indices_;
};

std::pair<std::vector<int64_t>, std::vector<int64_t>> split_texts(const TextDataset& dataset,
                                                                  double fraction, int64_t seed,
                                                                  Lone lone) {
  return split_labels(labels_of(dataset), static_cast<int64_t>(dataset.classes().size()), fraction,
                      seed, lone);
}

constexpr const char* kTextItem = "text";

void split_val_texts_off(TextSplits& splits, const std::string& spec,
                         const OpenTextOptions& options) {
  auto [val, train] =
      split_texts(*splits.train, options.val_fraction, options.split_seed, Lone::kRest);
  if (val.empty())
    throw DataError("data",
                    fmt::format("expected a class of two texts or more to validate with, got {} "
                                "text{} of as many classes",
                                train.size(), train.size() == 1 ? "" : "s"),
                    spec,
                    "add texts, or put those to validate with into a file of their own (val)");
  remark_on_single_classes(*splits.train, kTextItem, splits.remarks);
  splits.val = subset(splits.train, std::move(val));
  splits.train = subset(splits.train, std::move(train));
}

TextSplits open_texts_with_train(const std::string& spec, const TextSourceOptions& options) {
  TextSplits splits = open_text_source(spec, options);
  if (splits.train == nullptr)
    throw DataError("data", "expected a train split to learn from", spec,
                    "name the file of the training texts train.jsonl or train.tsv");
  return splits;
}

}  // namespace

TextDatasetPtr subset(TextDatasetPtr parent, std::vector<int64_t> indices) {
  return std::make_shared<TextSubset>(std::move(parent), std::move(indices));
}

TextDatasetPtr sample_fraction(const TextDatasetPtr& dataset, double fraction, int64_t seed) {
  if (!(fraction > 0 && fraction <= 1))
    throw ConfigError("data",
                      fmt::format("expected a fraction above 0 and up to 1, got {}", fraction));
  if (fraction == 1) return dataset;
  return subset(dataset, split_texts(*dataset, fraction, seed, Lone::kFirst).first);
}

TextSplits open_text_dataset(const std::string& spec, const OpenTextOptions& options) {
  if (!(options.val_fraction > 0 && options.val_fraction < 1))
    throw ConfigError(
        "data",
        fmt::format("expected val_fraction above 0 and below 1, got {}", options.val_fraction),
        "--val-fraction");
  TextSplits splits = open_texts_with_train(spec, options.source);
  if (splits.val == nullptr) split_val_texts_off(splits, spec, options);
  return splits;
}

std::vector<TextSplits> open_text_folds(const std::string& spec, int64_t folds,
                                        const OpenTextOptions& options) {
  return divide_folds(open_texts_with_train(spec, options.source), spec, kTextItem, folds,
                      options.split_seed);
}

}  // namespace braid::data
