// Cross-validation's parts of a data set.
#include "braid/data/folds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <numeric>

namespace braid::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Parts = std::vector<std::vector<int64_t>>;

std::vector<int64_t> labels_of(const std::vector<int64_t>& counts) {
  std::vector<int64_t> labels;
  for (size_t c = 0; c < counts.size(); ++c)
    labels.insert(labels.end(), static_cast<size_t>(counts[c]), static_cast<int64_t>(c));
  return labels;
}

struct Labelled {
  std::vector<int64_t> labels, positions;
  int64_t size() const { return static_cast<int64_t>(positions.size()); }
  int64_t label(int64_t i) const {
    return labels.at(static_cast<size_t>(positions.at(static_cast<size_t>(i))));
  }
  std::vector<std::string> classes() const { return {"a", "b", "c"}; }
};
using LabelledPtr = std::shared_ptr<const Labelled>;
struct LabelledSplits {
  LabelledPtr train, val;
  std::vector<std::string> remarks = {};
};

LabelledPtr subset(const LabelledPtr& parent, const std::vector<int64_t>& indices) {
  Labelled part{parent->labels, {}};
  for (const int64_t i : indices)
    part.positions.push_back(parent->positions.at(static_cast<size_t>(i)));
  return std::make_shared<Labelled>(part);
}

LabelledSplits of_counts(const std::vector<int64_t>& counts) {
  Labelled all{labels_of(counts), {}};
  all.positions.resize(all.labels.size());
  std::iota(all.positions.begin(), all.positions.end(), 0);
  return {std::make_shared<Labelled>(all), nullptr};
}

TEST(FoldsTest, EveryItemIsInOneFoldAndEveryClassInItsShare) {
  const auto labels = labels_of({11, 7, 4, 1});
  const Parts parts = fold_labels(labels, 4, 3, 0);
  std::vector<int64_t> seen(labels.size());
  std::vector<size_t> sizes;
  for (const auto& part : parts) {
    std::vector<int64_t> counts(4);
    for (const int64_t i : part) {
      ++seen.at(static_cast<size_t>(i));
      ++counts[static_cast<size_t>(labels[static_cast<size_t>(i)])];
    }
    EXPECT_TRUE(std::is_sorted(part.begin(), part.end()));
    EXPECT_THAT(counts[0], testing::AnyOf(3, 4));
    EXPECT_THAT(counts[1], testing::AnyOf(2, 3));
    EXPECT_THAT(counts[2], testing::AnyOf(1, 2));
    sizes.push_back(part.size());
  }
  EXPECT_THAT(sizes, testing::UnorderedElementsAre(8, 7, 7));
  EXPECT_EQ(seen.back(), 0) << "the only one of its class is trained with";
  seen.pop_back();
  EXPECT_THAT(seen, testing::Each(1));
}

TEST(FoldsTest, AreAFunctionOfTheSeed) {
  const auto labels = labels_of({40, 40});
  EXPECT_EQ(fold_labels(labels, 2, 5, 3), fold_labels(labels, 2, 5, 3));
  EXPECT_NE(fold_labels(labels, 2, 5, 3), fold_labels(labels, 2, 5, 4));
}

TEST(FoldsTest, TheRestOfAFoldIsTrainedWith) {
  EXPECT_THAT(all_but({1, 3}, 5), ElementsAre(0, 2, 4));
  EXPECT_THAT(all_but({}, 2), ElementsAre(0, 1));
  const auto folds = divide_folds(of_counts({5, 5, 1}), "photos", "image", 5, 0);
  ASSERT_EQ(folds.size(), 5u);
  for (const auto& fold : folds) {
    EXPECT_THAT(fold.remarks,
                ElementsAre("A class of one image is trained and not validated: 'c'."));
    EXPECT_EQ(fold.val->size(), 2);
    EXPECT_EQ(fold.train->size(), 9);
    EXPECT_EQ(fold.train->positions.back(), 10);
    for (const int64_t i : fold.val->positions)
      EXPECT_THAT(fold.train->positions, testing::Not(testing::Contains(i)));
  }
}

TEST(FoldsTest, NeedTrainToBeWholeAndLargeEnough) {
  auto split = of_counts({5, 5});
  split.val = of_counts({1, 1}).train;
  try {
    divide_folds(split, "photos", "image", 5, 0);
    FAIL() << "expected ConfigError";
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), HasSubstr("without a val split"));
    EXPECT_THAT(e.what(), HasSubstr("photos"));
  }
  try {
    divide_folds(of_counts({2, 1}), "photos", "image", 3, 0);
    FAIL() << "expected DataError";
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("each of 3 folds, got 2"));
  }
}

}  // namespace
}  // namespace braid::data
