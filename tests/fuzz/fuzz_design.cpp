// Any bytes as the line of a design of images or of texts; what parses goes round. And as the
// content of a design's file, in JSON's words.
#include <cstdlib>
#include <string>

#include "braid/core/error.h"
#include "braid/core/json.h"
#include "braid/text/design.h"
#include "braid/text/text_design.h"

namespace {

template <class Parse>
void go_round(const std::string& line, Parse parse) {
  try {
    const auto text = to_line(parse(line));
    if (to_line(parse(text)) != text) std::abort();
  } catch (const braid::ConfigError&) {  // the only error that foreign bytes may bring about
  }
}

void read_as_file(const std::string& bytes) {
  braid::Json json;
  try {
    json = braid::parse_json(bytes, {"design", "design.toml"});
  } catch (const braid::Error&) {
    return;
  }
  try {
    braid::text::any_design_of(json, {}, "design.toml");
  } catch (const braid::ConfigError&) {  // the only error that foreign bytes may bring about
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string line(reinterpret_cast<const char*>(data), size);
  go_round(line, braid::text::parse_design);
  go_round(line, braid::text::parse_text_design);
  read_as_file(line);
  return 0;
}
