// BERT's normalizer, to the code point as `tokenizers` of Hugging Face has it: cleaning, spaces
// around ideographs, accents, lower case.
#pragma once
#include <string_view>
#include <vector>

#include "braid/text/aligned_text.h"

namespace braid::text {

struct BertNormalizerOptions {
  bool clean_text = true;
  bool handle_chinese_chars = true;
  bool strip_accents = true;
  bool lowercase = true;
};

// part: of the source, which is valid UTF-8.
void normalize_bert(const BertNormalizerOptions& options, std::string_view source, Range part,
                    AlignedText& out);

}  // namespace braid::text
