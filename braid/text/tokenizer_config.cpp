#include "braid/text/tokenizer_config.h"

#include "braid/text/json_field.h"

namespace braid::text {

TokenizerConfig read_tokenizer_config(const Json& config, const std::string& file,
                                      TokenizerConfig otherwise) {
  if (!config.is_object()) return otherwise;
  const JsonField root(config, file, "tokenizer_config.json");
  if (const auto side = root.find("truncation_side")) {
    const auto name = side->text();
    if (name != "left" && name != "right") side->fail("left or right");
    otherwise.truncate_left = name == "left";
  }
  otherwise.split_special_tokens =
      root.boolean("split_special_tokens", otherwise.split_special_tokens);
  return otherwise;
}

}  // namespace braid::text
