// Classes of one item, which are trained and not validated, since the other way round the model
// would never see them.
#pragma once
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "braid/data/stratify.h"

namespace braid::data {

// Adds a line that names them; nothing where there are none. train: as it is before its val is
// drawn; item: what it holds, "image" or "text".
template <class Dataset>
void remark_on_single_classes(const Dataset& train, const std::string& item,
                              std::vector<std::string>& remarks) {
  constexpr int64_t kShown = 8;
  const auto counts = count_labels(train);
  const auto singles = std::count(counts.begin(), counts.end(), 1);
  if (singles == 0) return;
  std::string names;
  int64_t shown = 0;
  for (size_t c = 0; c < counts.size(); ++c)
    if (counts[c] == 1 && ++shown <= kShown)
      names += (names.empty() ? "'" : ", '") + train.classes()[c] + "'";
  remarks.push_back(fmt::format(
      "{} of one {} {} trained and not validated: {}{}.", singles == 1 ? "A class" : "Classes",
      item, singles == 1 ? "is" : "are", names, singles > kShown ? ", ..." : ""));
}

}  // namespace braid::data
