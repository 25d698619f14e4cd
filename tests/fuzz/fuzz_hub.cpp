// Any bytes as what a hub or a user may say: the first byte chooses the parser.
#include <algorithm>
#include <cstdlib>
#include <string>

#include "braid/core/error.h"
#include "braid/io/http.h"
#include "braid/io/hub_format.h"
#include "braid/io/safetensors.h"

namespace {

void check(bool ok) {
  if (!ok) std::abort();
}

// What becomes a file's name has no folder.
bool is_name(const std::string& text) {
  return text.find_first_of(std::string("/\\\0", 3)) == std::string::npos && text != ".." &&
         text != ".";
}

void parse_head(const std::string& text) {
  braid::io::HttpHeaders headers;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    braid::io::add_header_line(std::string_view(text).substr(begin, end - begin), headers);
    begin = end + 1;
  }
  braid::io::retry_after(headers);
  const auto location = headers.find("location");
  if (location != headers.end()) {
    const auto url = braid::io::resolve_url("https://hub.example/o/n", location->second);
    check(url.empty() || !braid::io::url_origin(url).empty());
  }
  for (const bool redirected : {false, true}) {
    const auto file = braid::io::read_hub_headers(headers, redirected, "fuzz");
    check(is_name(file.etag) && is_name(file.commit));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    switch (data[0]) {
      case 'H':
        parse_head(text);
        break;
      case 'I':
        for (const auto& shard : braid::io::parse_weight_index({text.begin(), text.end()}, "fuzz"))
          check(is_name(shard));
        break;
      case 'L':
        braid::io::parse_file_list({text.begin(), text.end()});
        break;
      case 'R':
        if (const auto range = braid::io::parse_content_range(text))
          check(!range->total || range->begin < *range->total);
        break;
      case 'S': {
        const auto spec = braid::io::parse_hub_spec("hf-hub:" + text);
        check(spec.revision.find("..") == std::string::npos && spec.revision.front() != '/' &&
              spec.repository.find("..") == std::string::npos && spec.repository.front() != '/');
        break;
      }
      default:
        break;
    }
  } catch (const braid::DataError&) {   // the errors that foreign bytes may bring about,
  } catch (const braid::UsageError&) {  // and a user's
  }
  return 0;
}
