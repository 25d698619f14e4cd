// Any bytes as a Debian control file.
#include "braid/io/deb822.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  braid::io::for_each_stanza(text, [](const braid::io::Deb822Stanza& stanza) {
    braid::io::description_paragraphs(stanza.get("Description-en"));
    stanza.get("package");
  });
  return 0;
}
