// What surrounds one or two texts, such as [CLS] A [SEP] B [SEP], and how long all may be.
#pragma once
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "braid/text/tokenizer.h"

namespace braid::text {

struct TemplatePiece {
  int sequence = -1;              // 0: the first text, 1: the second, -1: tokens
  std::vector<int32_t> ids = {};  // of the tokens
  int32_t type_id = 0;
};

// What two texts of so many tokens keep where both may have `most` together: from the lengths
// alone, as the reference's longest_first. The longer text is cut to what the shorter one leaves;
// where that is not enough both keep half.
std::pair<size_t, size_t> longest_first(size_t n1, size_t n2, size_t most);

struct PostProcessor {
  bool trim_offsets = false;      // spans without the spaces of their tokens
  bool add_prefix_space = false;  // a first space was added, so it is not trimmed
  bool truncate_left = false;     // texts are cut at their beginning
  std::vector<TemplatePiece> single = {{.sequence = 0}};
  std::vector<TemplatePiece> pair = {{.sequence = 0}, {.sequence = 1, .type_id = 1}};
  // `texts`: one or two. where: the tokenizer's file, for errors. Throws ConfigError where the
  // added tokens alone exceed max_length.
  Encoding process(std::vector<Encoding> texts, const EncodeOptions& options,
                   const std::string& where) const;
};

}  // namespace braid::text
