// Any bytes as rows of labelled texts.
#include "braid/core/error.h"
#include "braid/core/utf8.h"
#include "braid/io/labelled_row.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace braid;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto valid = replace_invalid_utf8(text);
  if (valid_utf8_prefix(valid) != valid.size()) __builtin_trap();
  const auto attempt = [](const auto& parse) {
    try {
      parse();
    } catch (const DataError&) {  // the only error that foreign bytes may bring about
    }
  };
  attempt([&] { io::parse_json_row(text, "fuzz"); });
  const auto as_table = [&](const std::vector<std::string>& cells) {
    attempt([&] {
      auto columns = io::columns_of_header(cells, "fuzz");
      if (!columns) columns = io::guess_columns({cells, cells}, "fuzz");
      io::row_of_cells(cells, *columns, "fuzz");
    });
  };
  as_table(io::split_tab_row(text));
  if (const auto cells = io::split_comma_row(text)) as_table(*cells);
  return 0;
}
