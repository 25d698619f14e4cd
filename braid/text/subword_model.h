// A word's pieces: what WordPiece and BPE have in common.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "braid/text/vocabulary.h"

namespace braid::text {

struct Subword {
  int32_t id;
  uint32_t begin, end;  // bytes of the word
};

class SubwordModel {
 public:
  virtual ~SubwordModel() = default;
  // Appends the word's pieces. Throws DataError where it needs an unknown token and there is none.
  virtual void split(std::string_view word, std::vector<Subword>& out) const = 0;
  // The tokens as their file spells them.
  virtual const Vocabulary& vocabulary() const = 0;
  virtual std::string kind() const = 0;
};

}  // namespace braid::text
