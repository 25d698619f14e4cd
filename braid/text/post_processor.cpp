#include "braid/text/post_processor.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "braid/core/error.h"
#include "braid/text/keep_part.h"

namespace braid::text {
namespace {

// left: at its beginning.
void cut(Encoding& text, size_t length, bool left) {
  if (text.ids.size() <= length) return;
  text.truncated += static_cast<int64_t>(text.ids.size() - length);
  keep_part(text.ids, length, left);
  keep_part(text.type_ids, length, left);
  keep_part(text.offsets, length, left);
  keep_part(text.special_tokens, length, left);
  keep_part(text.words, length, left);
}

void truncate(std::vector<Encoding>& texts, size_t most, bool left) {
  if (texts.size() == 1) return cut(texts[0], most, left);
  const auto [first, second] = longest_first(texts[0].ids.size(), texts[1].ids.size(), most);
  cut(texts[0], first, left);
  cut(texts[1], second, left);
}

}  // namespace

std::pair<size_t, size_t> longest_first(size_t n1, size_t n2, size_t most) {
  if (n1 + n2 <= most) return {n1, n2};
  const bool swapped = n1 > n2;
  if (swapped) std::swap(n1, n2);
  n2 = n1 > most ? n1 : std::max(n1, most - n1);
  if (n1 + n2 > most) {
    n1 = most / 2;
    n2 = n1 + most % 2;
  }
  if (swapped) std::swap(n1, n2);
  return {n1, n2};
}

Encoding PostProcessor::process(std::vector<Encoding> texts, const EncodeOptions& options,
                                const std::string& where) const {
  const auto& pieces = texts.size() == 2 ? pair : single;
  if (options.max_length < 0)
    throw ConfigError("tokenizer", fmt::format("expected max_length to be at least 0, got {}",
                                               options.max_length));
  if (options.max_length > 0) {
    size_t added = 0;
    if (options.add_special_tokens)
      for (const auto& piece : pieces) added += piece.ids.size();
    const auto most = static_cast<size_t>(options.max_length);
    if (most < added)
      throw ConfigError("tokenizer",
                        fmt::format("expected max_length to be at least {}, the tokens that are "
                                    "added, got {}",
                                    added, most),
                        where);
    truncate(texts, most - added, truncate_left);
  }
  if (pieces.size() == 1 && pieces[0].sequence == 0 && pieces[0].type_id == 0)
    return std::move(texts[0]);
  Encoding out;
  for (const auto& text : texts) out.truncated += text.truncated;
  for (const auto& piece : pieces) {
    if (piece.sequence < 0) {
      if (!options.add_special_tokens) continue;
      for (const int32_t id : piece.ids) {
        out.ids.push_back(id);
        out.type_ids.push_back(piece.type_id);
        out.offsets.push_back({});
        out.special_tokens.push_back(1);
        out.words.push_back(-1);
      }
      continue;
    }
    const auto& text = texts[static_cast<size_t>(piece.sequence)];
    if (piece.sequence == 1) out.pair_begin = out.ids.size();
    out.ids.insert(out.ids.end(), text.ids.begin(), text.ids.end());
    out.type_ids.insert(out.type_ids.end(), text.ids.size(), piece.type_id);
    out.offsets.insert(out.offsets.end(), text.offsets.begin(), text.offsets.end());
    out.special_tokens.insert(out.special_tokens.end(), text.special_tokens.begin(),
                              text.special_tokens.end());
    out.words.insert(out.words.end(), text.words.begin(), text.words.end());
  }
  return out;
}

}  // namespace braid::text
