#include "braid/text/added_tokens.h"

#include <algorithm>

#include "braid/text/unicode.h"
#include "braid/text/utf8.h"

namespace braid::text {

void AddedTokens::Trie::add(std::string_view content, int32_t token) {
  if (content.empty()) return;
  if (nodes.empty()) nodes.emplace_back();
  first[static_cast<uint8_t>(content[0])] = true;
  uint32_t node = 0;
  for (const char byte : content) {
    const auto [child, is_new] =
        nodes[node].children.emplace(byte, static_cast<uint32_t>(nodes.size()));
    node = child->second;
    if (is_new) nodes.emplace_back();
  }
  if (nodes[node].token < 0) nodes[node].token = token;
}

AddedTokens::AddedTokens(std::vector<AddedToken> tokens, const Normalize& normalize,
                         bool split_special)
    : tokens_(std::move(tokens)), split_special_(split_special) {
  for (size_t i = 0; i < tokens_.size(); ++i) {
    const auto& token = tokens_[i];
    normalized_.push_back(token.normalized ? normalize(token.content) : token.content);
    by_id_.emplace(token.id, i);
    by_content_.emplace(token.content, i);
    tries_[token.normalized].add(normalized_.back(), static_cast<int32_t>(i));
  }
}

void AddedTokens::split(std::string_view text, bool normalized, std::vector<Part>& out) const {
  const auto& trie = tries_[normalized];
  const auto size = static_cast<uint32_t>(text.size());
  if (trie.nodes.empty()) return out.push_back({{0, size}});
  uint32_t done = 0;  // everything before is in `out`
  for (uint32_t at = 0; at < size;) {
    if (!trie.first[static_cast<uint8_t>(text[at])]) {
      ++at;
      continue;
    }
    int32_t found = -1;
    uint32_t found_end = at;
    uint32_t node = 0;
    for (uint32_t end = at; end < size;) {
      const auto& children = trie.nodes[node].children;
      const auto child = children.find(text[end]);
      if (child == children.end()) break;
      node = child->second;
      ++end;
      if (trie.nodes[node].token >= 0) {
        found = trie.nodes[node].token;
        found_end = end;
      }
    }
    if (found < 0) {
      ++at;
      continue;
    }
    const auto& token = tokens_[static_cast<size_t>(found)];
    uint32_t begin = at, end = found_end;
    at = found_end;
    if (token.special && split_special_) continue;
    if (token.single_word &&
        ((begin > 0 && has_flag(decode_utf8_before(text, begin).code, kWord)) ||
         (end < size && has_flag(decode_utf8(text.data() + end).code, kWord))))
      continue;
    if (token.lstrip) {
      while (begin > done) {
        const auto before = decode_utf8_before(text, begin);
        if (!has_flag(before.code, kWhite)) break;
        begin -= before.bytes;
      }
      begin = std::max(begin, done);
    }
    if (token.rstrip) {
      while (end < size) {
        const auto next = decode_utf8(text.data() + end);
        if (!has_flag(next.code, kWhite)) break;
        end += next.bytes;
      }
    }
    if (done < begin) out.push_back({{done, begin}});
    out.push_back({{begin, end}, token.id});
    done = end;
  }
  if (done != size) out.push_back({{done, size}});
}

const AddedToken* AddedTokens::find(int32_t id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &tokens_[found->second];
}

const AddedToken* AddedTokens::find(std::string_view content) const {
  const auto found = by_content_.find(std::string(content));
  return found == by_content_.end() ? nullptr : &tokens_[found->second];
}

std::string_view AddedTokens::decoded(int32_t id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? std::string_view() : std::string_view(normalized_[found->second]);
}

}  // namespace braid::text
