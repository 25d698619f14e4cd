// Which numbers a dropout keeps: a hash of their positions, so that any of them is known without
// those before it.
#pragma once
#include <stdint.h>

namespace braid::ops {

// What is drawn for one call.
struct DropRule {
  uint32_t keys[2] = {};
  uint32_t threshold = 0;  // a number is kept where its hash is not below
  float scale = 1;         // of what is kept
};

// positions: of numbers among 2^32; one, or a vector of them. Twice the mixing steps of MurmurHash3
// (https://github.com/aappleby/smhasher, public domain), with a key before each.
template <class Words>
static inline Words dropout_hash(Words positions, uint32_t key, uint32_t other_key) {
  Words h = positions * 0x9e3779b9u + key;
  h ^= h >> 16;
  h *= 0x85ebca6bu;
  h ^= h >> 13;
  h *= 0xc2b2ae35u;
  h ^= h >> 16;
  h += other_key;
  h *= 0x85ebca6bu;
  h ^= h >> 13;
  h *= 0xc2b2ae35u;
  h ^= h >> 16;
  return h;
}

// The first key for the numbers around a position: those of each 2^32 have their own.
static inline uint32_t dropout_key(uint64_t position, const DropRule& rule) {
  return rule.keys[0] + static_cast<uint32_t>(position >> 32) * 0x7feb352du;
}
static inline bool kept_at(uint64_t position, const DropRule& rule) {
  return dropout_hash(static_cast<uint32_t>(position), dropout_key(position, rule), rule.keys[1]) >=
         rule.threshold;
}

}  // namespace braid::ops
