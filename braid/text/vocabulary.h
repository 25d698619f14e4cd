// Tokens and their numbers, found by a hash that a caller can extend byte by byte.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace braid::text {

constexpr int32_t kMaxTokenId = 100'000'000;  // of a vocabulary: its list of numbers is dense

// FNV-1a over bytes, so that the hashes of all beginnings of a word come from one pass.
struct TokenHash {
  uint64_t value = 0xCBF29CE484222325u;
  void add(char byte) { value = (value ^ static_cast<uint8_t>(byte)) * 0x100000001B3u; }
  void add(std::string_view bytes) {
    for (const char byte : bytes) add(byte);
  }
};

class Vocabulary {
 public:
  // False where the token is there already, or the number is another token's.
  bool add(std::string_view token, int32_t id);
  void reserve(size_t tokens);

  int32_t find(std::string_view token) const {  // -1: none
    if (token.size() > longest_) return -1;
    TokenHash hash;
    hash.add(token);
    return find({}, token, hash);
  }
  // The token whose bytes are prefix + rest, hashed already.
  int32_t find(std::string_view prefix, std::string_view rest, TokenHash hash) const;
  std::string_view token(int32_t id) const;  // empty: no such number
  bool has(int32_t id) const;
  size_t size() const { return count_; }
  int32_t id_end() const { return static_cast<int32_t>(places_.size()); }  // the largest + 1
  size_t longest() const { return longest_; }                              // bytes of a token

 private:
  struct Place {
    uint32_t begin = 0, length = kNone;
    static constexpr uint32_t kNone = UINT32_MAX;
  };
  struct Slot {
    uint32_t tag = 0;
    int32_t id = -1;
  };
  static uint64_t mixed(uint64_t hash) { return hash ^ (hash >> 29); }
  void grow(size_t slots);

  std::string bytes_;  // of all tokens
  std::vector<Place> places_;
  std::vector<Slot> slots_;
  size_t count_ = 0, longest_ = 0;
};

}  // namespace braid::text
