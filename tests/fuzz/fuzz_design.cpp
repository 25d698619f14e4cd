// Any bytes as a braidnet line; what parses goes round.
#include <cstdlib>

#include "braid/core/error.h"
#include "braid/text/design.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const std::string line(reinterpret_cast<const char*>(data), size);
    const auto text = braid::text::to_line(braid::text::parse_design(line));
    if (braid::text::to_line(braid::text::parse_design(text)) != text) std::abort();
  } catch (const braid::ConfigError&) {  // the only error that foreign bytes may bring about
  }
  return 0;
}
