// Byte-pair encoding: the pair that was learned first is joined first, from left to right.
#pragma once
#include <array>
#include <utility>

#include "braid/text/subword_model.h"

namespace braid::text {

struct BpeOptions {
  bool byte_level = true;  // words are bytes, which the vocabulary spells in GPT-2's alphabet
  std::string unk_token;   // empty: what the vocabulary lacks is dropped
  std::string continuing_subword_prefix, end_of_word_suffix;
  bool fuse_unk = false;
  bool byte_fallback = false;  // <0x0A> for each byte of what the vocabulary lacks
  bool ignore_merges = false;  // a word that is a token is that token
};

// The pairs that are joined: open addressing, since each word asks a dozen times.
class MergeTable {
 public:
  struct Merge {
    int32_t rank, id;
  };
  void reserve(size_t merges);
  void add(int32_t left, int32_t right, Merge merge);  // the last of equal pairs counts
  const Merge* find(int32_t left, int32_t right) const {
    if (slots_.empty()) return nullptr;
    const uint64_t key = pack(left, right);
    for (size_t at = place(key); slots_[at].key != kFree; at = (at + 1) & (slots_.size() - 1))
      if (slots_[at].key == key) return &slots_[at].merge;
    return nullptr;
  }

 private:
  static constexpr uint64_t kFree = UINT64_MAX;
  struct Slot {
    uint64_t key = kFree;
    Merge merge = {0, 0};
  };
  static uint64_t pack(int32_t left, int32_t right) {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
  }
  size_t place(uint64_t key) const {
    return (key * 0x9E3779B97F4A7C15u >> 20) & (slots_.size() - 1);
  }
  std::vector<Slot> slots_;
};

class Bpe final : public SubwordModel {
 public:
  using Merges = std::vector<std::pair<std::string, std::string>>;
  // Throws DataError naming the merge whose parts or whole the vocabulary lacks. where: the file.
  Bpe(Vocabulary vocabulary, const Merges& merges, BpeOptions options, std::string where);
  void split(std::string_view word, std::vector<Subword>& out) const override;
  const Vocabulary& vocabulary() const override { return vocabulary_; }
  std::string kind() const override { return "bpe"; }
  const BpeOptions& options() const { return options_; }

 private:
  struct Symbol {
    int32_t id;
    int32_t previous, next;
    uint32_t bytes;
  };
  void first_symbols(std::string_view word, std::vector<Symbol>& symbols) const;
  void merge(std::vector<Symbol>& symbols) const;
  void merge_short(std::vector<Symbol>& symbols) const;
  void find_whole_words();
  int32_t unknown() const;

  Vocabulary vocabulary_;  // as the file spells it
  Vocabulary words_;       // the same as bytes, where they differ
  BpeOptions options_;
  std::string where_;
  MergeTable merges_;
  std::array<int32_t, 256> bytes_;  // of single bytes, or of <0x..>; -1: none
  std::vector<bool> is_word_;       // by number: its merges give that token, so none are tried
};

}  // namespace braid::text
