#include "braid/text/train_merges.h"

#include <algorithm>
#include <queue>
#include <unordered_map>

#include "braid/text/utf8.h"

namespace braid::text {
namespace {

using Pair = std::pair<int32_t, int32_t>;

struct PairHash {
  size_t operator()(const Pair& pair) const {
    return (static_cast<uint64_t>(static_cast<uint32_t>(pair.first)) << 32 |
            static_cast<uint32_t>(pair.second)) *
           0x9E3779B97F4A7C15u;
  }
};

using Places = std::vector<uint32_t>;  // words that hold a pair, each once, ascending

struct Candidate {
  Pair pair;
  int64_t count;
  Places places;
  bool operator<(const Candidate& other) const {
    return count != other.count ? count < other.count : pair > other.pair;
  }
};

class MergeLearner {
 public:
  explicit MergeLearner(std::vector<SymbolWord> words) : words_(std::move(words)) {
    for (uint32_t w = 0; w < words_.size(); ++w) {
      const auto& symbols = words_[w].symbols;
      for (size_t i = 0; i + 1 < symbols.size(); ++i)
        change({symbols[i], symbols[i + 1]}, words_[w].count, w);
    }
    queue_new_pairs();
  }

  // False: no pair is left.
  bool take(Candidate& best) {
    while (!queue_.empty()) {
      best = queue_.top();
      queue_.pop();
      const int64_t now = counts_[best.pair];
      if (now == best.count) return true;
      best.count = now;  // it was queued before others took some of it
      if (now > 0) queue_.push(std::move(best));
    }
    return false;
  }

  void merge(const Candidate& best, int32_t id) {
    for (const uint32_t w : best.places) merge_word(w, best.pair, id);
    queue_new_pairs();
  }

 private:
  void change(const Pair& pair, int64_t count, uint32_t word) {
    counts_[pair] += count;
    if (count <= 0) return;
    auto& places = fresh_[pair];
    if (places.empty() || places.back() != word) places.push_back(word);
  }

  void merge_word(uint32_t w, const Pair& pair, int32_t id) {
    auto& symbols = words_[w].symbols;
    const int64_t count = words_[w].count;
    size_t to = 0;
    for (size_t from = 0; from < symbols.size();) {
      const bool joined = from + 1 < symbols.size() && symbols[from] == pair.first &&
                          symbols[from + 1] == pair.second;
      if (!joined) {
        symbols[to++] = symbols[from++];
        continue;
      }
      if (to > 0) {
        change({symbols[to - 1], pair.first}, -count, w);
        change({symbols[to - 1], id}, count, w);
      }
      if (from + 2 < symbols.size()) {
        change({pair.second, symbols[from + 2]}, -count, w);
        change({id, symbols[from + 2]}, count, w);
      }
      symbols[to++] = id;
      from += 2;
    }
    symbols.resize(to);
  }

  void queue_new_pairs() {
    for (auto& [pair, places] : fresh_)
      if (const int64_t count = counts_[pair]; count > 0)
        queue_.push({pair, count, std::move(places)});
    fresh_.clear();
  }

  std::vector<SymbolWord> words_;
  std::unordered_map<Pair, int64_t, PairHash> counts_;
  std::unordered_map<Pair, Places, PairHash> fresh_;  // pairs that are not in the queue yet
  std::priority_queue<Candidate> queue_;
};

}  // namespace

std::vector<LearnedMerge> learn_merges(std::vector<SymbolWord> words,
                                       std::vector<std::string>& tokens, int64_t vocab_size,
                                       int64_t min_frequency, const std::string& prefix) {
  MergeLearner learner(std::move(words));
  std::unordered_map<std::string, int32_t> ids;
  for (size_t id = 0; id < tokens.size(); ++id) ids.emplace(tokens[id], static_cast<int32_t>(id));
  std::vector<LearnedMerge> merges;
  Candidate best;
  while (static_cast<int64_t>(tokens.size()) < vocab_size && learner.take(best)) {
    if (best.count < std::max<int64_t>(1, min_frequency)) break;
    const auto& right = tokens[static_cast<size_t>(best.pair.second)];
    const bool continues = !prefix.empty() && right.compare(0, prefix.size(), prefix) == 0;
    auto token = tokens[static_cast<size_t>(best.pair.first)] +
                 (continues ? right.substr(prefix.size()) : right);
    const auto [known, is_new] = ids.emplace(token, static_cast<int32_t>(tokens.size()));
    if (is_new) tokens.push_back(std::move(token));
    merges.push_back({best.pair.first, best.pair.second});
    learner.merge(best, known->second);
  }
  return merges;
}

std::vector<CountedWord> count_words(
    const TextSource& texts, const std::vector<PreTokenizer>& pre_tokenizers,
    const std::function<void(const std::string&, AlignedText&)>& normalize) {
  std::unordered_map<std::string, int64_t> counts;
  std::string text, word;
  AlignedText aligned;
  std::vector<Range> words;
  while (texts(text)) {
    if (valid_utf8(text) != text.size()) text = repair_utf8(text).text;
    normalize(text, aligned);
    pre_tokenize(pre_tokenizers, aligned, words);
    for (const auto& range : words) {
      word.assign(aligned.text().substr(range.begin, range.end - range.begin));
      ++counts[word];
    }
  }
  std::vector<CountedWord> list;
  list.reserve(counts.size());
  for (auto& [key, count] : counts) list.push_back({key, count});
  std::sort(list.begin(), list.end(),
            [](const CountedWord& a, const CountedWord& b) { return a.text < b.text; });
  return list;
}

}  // namespace braid::text
