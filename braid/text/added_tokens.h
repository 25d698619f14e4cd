// Tokens that a text may hold as they are, such as [MASK]: found before words are.
#pragma once
#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "braid/text/aligned_text.h"

namespace braid::text {

constexpr size_t kMaxAddedToken = 1000;  // bytes

struct AddedToken {
  std::string content;
  int32_t id = -1;
  bool single_word = false;  // not inside a word
  bool lstrip = false;       // takes the white space on its left
  bool rstrip = false;       // ... on its right
  bool normalized = true;    // looked for in the normalized text, by its normalized content
  bool special = false;      // left out by decoding
};

class AddedTokens {
 public:
  // A part of a text: a token, or what lies between tokens (id -1).
  struct Part {
    Range range;
    int32_t id = -1;
  };
  using Normalize = std::function<std::string(const std::string&)>;

  AddedTokens() = default;
  // split_special: the name of a special token in a text is no token, but read as other words are.
  AddedTokens(std::vector<AddedToken> tokens, const Normalize& normalize,
              bool split_special = false);

  // The whole text in parts; the leftmost token, of those the longest, first.
  void split(std::string_view text, bool normalized, std::vector<Part>& out) const;
  bool any(bool normalized) const { return !tries_[normalized].nodes.empty(); }
  const AddedToken* find(int32_t id) const;
  const AddedToken* find(std::string_view content) const;
  // What decoding reads: the normalized content, where that is looked for.
  std::string_view decoded(int32_t id) const;
  const std::vector<AddedToken>& all() const { return tokens_; }

 private:
  struct Node {
    std::map<char, uint32_t> children;
    int32_t token = -1;  // index
  };
  struct Trie {
    std::vector<Node> nodes;
    std::array<bool, 256> first = {};  // bytes that a token may begin with
    void add(std::string_view content, int32_t token);
  };

  std::vector<AddedToken> tokens_;
  bool split_special_ = false;
  std::vector<std::string> normalized_;  // contents
  std::unordered_map<int32_t, size_t> by_id_;
  std::unordered_map<std::string, size_t> by_content_;
  std::array<Trie, 2> tries_;  // of the text as it is, of the normalized text
};

}  // namespace braid::text
