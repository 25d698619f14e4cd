// Any bytes as a tokenizer.json; what loads must encode and decode.
#include <cstdlib>
#include <string_view>

#include "braid/core/error.h"
#include "braid/text/tokenizer_json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const std::vector<uint8_t> bytes(data, data + size);
    const auto json = braid::parse_json(bytes, {.component = "fuzz", .where = "bytes"});
    const auto tokenizer =
        braid::text::make_pipeline(braid::text::read_tokenizer_json(json, nullptr, "bytes"));
    const std::string_view text = "Ab \u00e9 [MASK] 12  \u4e2d\n";
    for (const auto& encoding : {tokenizer->encode(text), tokenizer->encode_pair(text, "b a")}) {
      if (encoding.ids.size() != encoding.offsets.size()) std::abort();
      tokenizer->decode(encoding.ids, false);
    }
  } catch (const braid::Error&) {
  }
  return 0;
}
