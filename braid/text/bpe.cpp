#include "braid/text/bpe.h"

#include <fmt/format.h>

#include <algorithm>
#include <queue>

#include "braid/core/error.h"
#include "braid/text/byte_alphabet.h"
#include "braid/text/utf8.h"

namespace braid::text {
namespace {

constexpr size_t kShortWord = 48;     // symbols for which a search beats a heap
constexpr size_t kMaxWholeWord = 64;  // bytes of a token that is looked up as a word

}  // namespace

void MergeTable::reserve(size_t merges) {
  size_t slots = 64;
  while (slots < 2 * merges + 2) slots *= 2;
  slots_.assign(slots, {});
}

void MergeTable::add(int32_t left, int32_t right, Merge merge) {
  const uint64_t key = pack(left, right);
  size_t at = place(key);
  while (slots_[at].key != kFree && slots_[at].key != key) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = {key, merge};
}

Bpe::Bpe(Vocabulary vocabulary, const Merges& merges, BpeOptions options, std::string where)
    : vocabulary_(std::move(vocabulary)), options_(std::move(options)), where_(std::move(where)) {
  merges_.reserve(merges.size());
  const std::string& prefix = options_.continuing_subword_prefix;
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    // Named, not bound: the fuzz targets' Clang 14 captures no bindings.
    const std::string &left = merges[rank].first, &right = merges[rank].second;
    const auto known = [&](const std::string& token) {
      const int32_t id = vocabulary_.find(token);
      if (id < 0)
        throw DataError("tokenizer",
                        fmt::format("expected '{}' in the vocabulary, which merge {} ('{}' '{}') "
                                    "needs",
                                    token, rank, left, right),
                        where_, "take vocabulary and merges of one training");
      return id;
    };
    const int32_t a = known(left), b = known(right);
    // The prefix of the second part is not in the whole; how long it is, not what it is, counts.
    const auto rest = right.size() >= prefix.size() ? right.substr(prefix.size()) : std::string();
    merges_.add(a, b, {static_cast<int32_t>(rank), known(left + rest)});
  }
  bytes_.fill(-1);
  for (int byte = 0; byte < 256; ++byte) {
    const auto index = static_cast<size_t>(byte);
    if (options_.byte_level) {
      std::string letter;
      append_utf8(letter, byte_alphabet()[index]);
      bytes_[index] = vocabulary_.find(letter);
    } else if (options_.byte_fallback) {
      bytes_[index] = vocabulary_.find(fmt::format("<0x{:02X}>", byte));
    }
  }
  find_whole_words();
}

// Most words of a text are tokens: one look-up for each of them instead of all its merges.
void Bpe::find_whole_words() {
  is_word_.resize(static_cast<size_t>(vocabulary_.id_end()));
  if (!options_.byte_level && !options_.ignore_merges &&
      (!options_.continuing_subword_prefix.empty() || !options_.end_of_word_suffix.empty()))
    return;  // a token is spelled otherwise than its word
  words_.reserve(vocabulary_.size());
  std::vector<Symbol> symbols;
  for (int32_t id = 0; id < vocabulary_.id_end(); ++id) {
    if (!vocabulary_.has(id)) continue;
    const auto token = vocabulary_.token(id);
    const auto word = options_.byte_level ? from_byte_alphabet(token) : std::string(token);
    if (!word || word->empty() || !words_.add(*word, id)) continue;
    if (options_.ignore_merges) {
      is_word_[static_cast<size_t>(id)] = true;
    } else if (word->size() <= kMaxWholeWord) {
      symbols.clear();
      if (options_.byte_level || !options_.unk_token.empty()) first_symbols(*word, symbols);
      if (symbols.empty()) continue;
      merge(symbols);
      is_word_[static_cast<size_t>(id)] =
          symbols[0].next < 0 && symbols[0].id == id && symbols[0].bytes == word->size();
    }
  }
}

int32_t Bpe::unknown() const {
  const int32_t id = vocabulary_.find(options_.unk_token);
  if (id < 0)
    throw DataError("tokenizer",
                    fmt::format("expected the unknown token '{}' in the vocabulary, which this "
                                "text needs",
                                options_.unk_token),
                    where_,
                    "add it to the vocabulary, or set model.unk_token to one that is there");
  return id;
}

void Bpe::first_symbols(std::string_view word, std::vector<Symbol>& symbols) const {
  const auto add = [&](int32_t id, size_t bytes) {
    const auto index = static_cast<int32_t>(symbols.size());
    if (index > 0) symbols.back().next = index;
    symbols.push_back({id, index - 1, -1, static_cast<uint32_t>(bytes)});
  };
  int32_t unk = -1;  // not added yet: others may be fused with it
  size_t unk_bytes = 0;
  const auto add_unknown = [&] {
    if (unk >= 0) add(unk, unk_bytes);
    unk = -1;
  };
  const auto miss = [&](size_t bytes) {
    if (options_.unk_token.empty()) return;
    if (unk >= 0 && options_.fuse_unk) {
      unk_bytes += bytes;
      return;
    }
    add_unknown();
    unk = unknown();
    unk_bytes = bytes;
  };
  if (options_.byte_level) {
    for (const char byte : word) {
      const int32_t id = bytes_[static_cast<uint8_t>(byte)];
      if (id >= 0) {
        add_unknown();
        add(id, 1);
      } else {
        miss(1);
      }
    }
    return add_unknown();
  }
  std::string spelled;
  for (size_t at = 0; at < word.size();) {
    const size_t bytes = decode_utf8(word.data() + at).bytes;
    spelled.assign(at > 0 ? options_.continuing_subword_prefix : "");
    spelled.append(word.substr(at, bytes));
    if (at + bytes == word.size()) spelled.append(options_.end_of_word_suffix);
    at += bytes;
    const int32_t id = vocabulary_.find(spelled);
    if (id >= 0) {
      add_unknown();
      add(id, bytes);
      continue;
    }
    const bool all_bytes =
        options_.byte_fallback && std::all_of(spelled.begin(), spelled.end(), [&](char byte) {
          return bytes_[static_cast<uint8_t>(byte)] >= 0;
        });
    if (!all_bytes) {
      miss(bytes);
      continue;
    }
    for (const char byte : spelled) add(bytes_[static_cast<uint8_t>(byte)], 1);
  }
  add_unknown();
}

// Looks through all pairs for each merge.
void Bpe::merge_short(std::vector<Symbol>& symbols) const {
  std::array<const MergeTable::Merge*, kShortWord> pairs;  // of the symbol and the next one
  size_t count = symbols.size();
  for (size_t i = 0; i + 1 < count; ++i) pairs[i] = merges_.find(symbols[i].id, symbols[i + 1].id);
  while (count > 1) {
    size_t best = count;
    for (size_t i = 0; i + 1 < count; ++i)
      if (pairs[i] && (best == count || pairs[i]->rank < pairs[best]->rank)) best = i;
    if (best == count) break;
    symbols[best].id = pairs[best]->id;
    symbols[best].bytes += symbols[best + 1].bytes;
    for (size_t i = best + 1; i + 1 < count; ++i) {
      symbols[i] = symbols[i + 1];
      pairs[i] = pairs[i + 1];
    }
    --count;
    if (best > 0) pairs[best - 1] = merges_.find(symbols[best - 1].id, symbols[best].id);
    if (best + 1 < count) pairs[best] = merges_.find(symbols[best].id, symbols[best + 1].id);
  }
  symbols.resize(count);
  for (size_t i = 0; i < count; ++i)
    symbols[i].next = i + 1 < count ? static_cast<int32_t>(i + 1) : -1;
}

void Bpe::merge(std::vector<Symbol>& symbols) const {
  if (symbols.size() <= kShortWord) return merge_short(symbols);
  struct Candidate {
    int32_t rank, at, id;
    bool operator<(const Candidate& other) const {  // the smallest rank, the leftmost, on top
      return rank != other.rank ? rank > other.rank : at > other.at;
    }
  };
  std::vector<Candidate> heap;
  const auto candidate = [&](int32_t at) -> const MergeTable::Merge* {
    const auto& symbol = symbols[static_cast<size_t>(at)];
    return symbol.next < 0 ? nullptr
                           : merges_.find(symbol.id, symbols[static_cast<size_t>(symbol.next)].id);
  };
  for (int32_t at = 0; at < static_cast<int32_t>(symbols.size()); ++at)
    if (const auto* found = candidate(at)) heap.push_back({found->rank, at, found->id});
  std::priority_queue<Candidate> queue(std::less<Candidate>(), std::move(heap));
  while (!queue.empty()) {
    const auto top = queue.top();
    queue.pop();
    auto& symbol = symbols[static_cast<size_t>(top.at)];
    if (symbol.bytes == 0) continue;  // was joined to its left
    const auto* now = candidate(top.at);
    if (!now || now->id != top.id) continue;  // the pair is another one by now
    auto& right = symbols[static_cast<size_t>(symbol.next)];
    symbol.id = top.id;
    symbol.bytes += right.bytes;
    symbol.next = right.next;
    right.bytes = 0;
    if (right.next >= 0) symbols[static_cast<size_t>(right.next)].previous = top.at;
    if (symbol.previous >= 0)
      if (const auto* found = candidate(symbol.previous))
        queue.push({found->rank, symbol.previous, found->id});
    if (const auto* found = candidate(top.at)) queue.push({found->rank, top.at, found->id});
  }
}

void Bpe::split(std::string_view word, std::vector<Subword>& out) const {
  if (word.empty()) return;
  if (options_.ignore_merges || word.size() <= kMaxWholeWord) {
    const int32_t id = words_.find(word);
    if (id >= 0 && is_word_[static_cast<size_t>(id)])
      return out.push_back({id, 0, static_cast<uint32_t>(word.size())});
  }
  thread_local std::vector<Symbol> symbols;
  symbols.clear();
  first_symbols(word, symbols);
  if (symbols.empty()) return;
  merge(symbols);
  // Bytes of a prefix or suffix are symbols too where a character is spelled by its bytes: those
  // that the word has no room for stand at its last one.
  const auto size = static_cast<uint32_t>(word.size());
  uint32_t begin = 0;
  for (int32_t at = 0; at >= 0; at = symbols[static_cast<size_t>(at)].next) {
    const auto& symbol = symbols[static_cast<size_t>(at)];
    const uint32_t end = begin + symbol.bytes;
    out.push_back({symbol.id, std::min(begin, size - 1), std::min(end, size)});
    begin = end;
  }
  if (symbols.capacity() > 1 << 16) std::vector<Symbol>().swap(symbols);  // a giant word's
}

}  // namespace braid::text
