// How many items each class has in each split, of images and texts alike.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "braid/core/json.h"
#include "braid/data/stratify.h"

namespace braid::cli {

struct ClassColumn {
  std::string split;
  int64_t items = 0;
  std::vector<int64_t> per_class;
};

// Of the splits that there are. splits: data::Splits or data::TextSplits.
template <class Splits>
std::vector<ClassColumn> class_columns(const Splits& splits) {
  std::vector<ClassColumn> columns;
  const std::pair<const char*, decltype(Splits::train)> parts[] = {
      {"train", splits.train}, {"val", splits.val}, {"test", splits.test}};
  for (const auto& [name, part] : parts)
    if (part) columns.push_back({name, part->size(), data::count_labels(*part)});
  return columns;
}

// items: what they are called. A split that there is not is null.
Json class_columns_json(const std::vector<ClassColumn>& columns, const std::string& items);
// A row for each class, and one for all of them.
void print_class_table(const std::vector<std::string>& classes,
                       const std::vector<ClassColumn>& columns);

}  // namespace braid::cli
