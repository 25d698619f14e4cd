#include "braid/text/wordpiece.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "braid/core/error.h"
#include "braid/text/utf8.h"

namespace braid::text {

WordPiece::WordPiece(Vocabulary vocabulary, WordPieceOptions options, std::string where)
    : vocabulary_(std::move(vocabulary)), options_(std::move(options)), where_(std::move(where)) {
  unk_ = vocabulary_.find(options_.unk_token);
  continuing_.add(options_.continuing_subword_prefix);
}

Subword WordPiece::unknown(std::string_view word) const {
  if (unk_ < 0)
    throw DataError("tokenizer",
                    fmt::format("expected the unknown token '{}' in the vocabulary, which the word "
                                "'{}' needs",
                                options_.unk_token, word.substr(0, 60)),
                    where_,
                    "add it to the vocabulary, or set model.unk_token to one that is there");
  return {unk_, 0, static_cast<uint32_t>(word.size())};
}

void WordPiece::split(std::string_view word, std::vector<Subword>& out) const {
  // A code point has at most four bytes: short words are not counted.
  if (word.size() > options_.max_input_chars_per_word) {
    const auto chars =
        static_cast<size_t>(std::count_if(word.begin(), word.end(), starts_code_point));
    if (chars > options_.max_input_chars_per_word) return out.push_back(unknown(word));
  }
  if (const int32_t id = vocabulary_.find(word); id >= 0)  // most words are
    return out.push_back({id, 0, static_cast<uint32_t>(word.size())});
  const size_t first = out.size();
  const std::string_view prefix = options_.continuing_subword_prefix;
  struct Candidate {
    uint32_t end;
    TokenHash hash;
  };
  std::array<Candidate, 64> few;
  std::vector<Candidate> many;  // beginnings beyond those
  for (size_t start = 0; start < word.size();) {
    const std::string_view before = start == 0 ? std::string_view() : prefix;
    TokenHash hash = start == 0 ? TokenHash() : continuing_;
    const size_t longest = std::max(vocabulary_.longest(), before.size()) - before.size();
    const size_t stop = std::min(word.size(), start + longest);
    size_t count = 0;
    many.clear();
    for (size_t at = start; at < stop;) {
      hash.add(word[at++]);
      while (at < stop && !starts_code_point(word[at])) hash.add(word[at++]);
      if (at < word.size() && !starts_code_point(word[at])) break;
      const Candidate candidate{static_cast<uint32_t>(at), hash};
      if (count < few.size())
        few[count] = candidate;
      else
        many.push_back(candidate);
      ++count;
    }
    int32_t id = -1;
    while (id < 0 && count > 0) {
      --count;
      const auto& candidate = count < few.size() ? few[count] : many[count - few.size()];
      id = vocabulary_.find(before, word.substr(start, candidate.end - start), candidate.hash);
      if (id >= 0) {
        out.push_back({id, static_cast<uint32_t>(start), candidate.end});
        start = candidate.end;
      }
    }
    if (id < 0) {  // one piece is not known: nor is the word
      out.resize(first);
      return out.push_back(unknown(word));
    }
  }
}

}  // namespace braid::text
