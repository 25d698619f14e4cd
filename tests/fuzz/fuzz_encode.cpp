// Any bytes as a text for each kind of tokenizer: spans lie within it, and byte-level BPE gives the
// text back.
#include <cstdlib>
#include <string>
#include <utility>

#include "braid/core/error.h"
#include "braid/text/train_tokenizer.h"
#include "braid/text/utf8.h"

namespace {

braid::text::TextSource one_text() {
  return [done = false](std::string& text) mutable {
    text = "a man, a plan: caf\u00e9 \u4e2d\u6587 12 don't ab abc abab";
    return !std::exchange(done, true);
  };
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto kWordPiece =
      braid::text::train_wordpiece(one_text(), {.vocab_size = 60, .min_frequency = 0});
  static const auto kBpe =
      braid::text::train_bpe(one_text(), {.vocab_size = 290, .min_frequency = 0});
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const auto& tokenizer : {kWordPiece, kBpe}) {
    const auto encoding = tokenizer->encode(text, {.add_special_tokens = false});
    for (const auto& span : encoding.offsets)
      if (span.begin > size || span.end > size) std::abort();
    const auto decoded = tokenizer->decode(encoding.ids, false);
    const auto valid = braid::text::repair_utf8(text).text;
    if (tokenizer == kBpe && decoded != valid && text.find('<') == std::string::npos) std::abort();
    if (encoding.ids.size() > 1 &&
        tokenizer->encode(text, {.add_special_tokens = false, .max_length = 1}).ids.size() != 1)
      std::abort();
  }
  return 0;
}
