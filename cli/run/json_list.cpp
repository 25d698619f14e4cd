#include "cli/run/json_list.h"

#include <cerrno>
#include <cstdio>
#include <string>

#include "braid/io/posix_file.h"

namespace braid::cli {

JsonList::~JsonList() { std::fputs(any_ ? "\n]\n" : "[]\n", stdout); }

void JsonList::print(const Json& item) {
  const auto text =
      (any_ ? ",\n" : "[\n") + item.dump(2, ' ', false, Json::error_handler_t::replace);
  any_ = true;
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    io::fail_io("write", "standard output", errno);
}

}  // namespace braid::cli
