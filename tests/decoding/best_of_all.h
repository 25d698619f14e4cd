// The best text there is, by looking at all of them.
#pragma once
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

namespace braid::decoding {

// The words of a language: first to last - 1; `end` ends a text, `start` begins it.
struct Words {
  int64_t first = 0, last = 0, start = 0, end = 0;
};

// The best text by sum / length^penalty of all that end with words.end or are as long as may be,
// and that number. next: log-probabilities of the word after those of a text, by the words'
// numbers. max_length: with the start.
inline std::pair<std::vector<int64_t>, double> best_of_all(
    const Words& words, int64_t max_length, double penalty,
    const std::function<std::vector<double>(const std::vector<int64_t>&)>& next) {
  using Ids = std::vector<int64_t>;
  std::pair<Ids, double> best{{}, -std::numeric_limits<double>::infinity()};
  const std::function<void(const Ids&, double)> visit = [&](const Ids& ids, double sum) {
    const auto length = static_cast<int64_t>(ids.size());
    if (length == max_length || (length > 1 && ids.back() == words.end)) {
      const double score = sum / std::pow(static_cast<double>(length - 1), penalty);
      if (score > best.second) best = {{ids.begin() + 1, ids.end()}, score};
      return;
    }
    const auto scores = next(ids);
    for (int64_t word = words.first; word < words.last; ++word) {
      auto longer = ids;
      longer.push_back(word);
      visit(longer, sum + scores[static_cast<size_t>(word)]);
    }
  };
  visit({words.start}, 0);
  return best;
}

}  // namespace braid::decoding
