#include "braid/io/hub_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "braid/core/error.h"
#include "braid/core/json.h"

namespace braid::io {
namespace {

constexpr std::string_view kPrefix = "hf-hub:";
constexpr size_t kMaxName = 96;       // characters, the hub's limit
constexpr size_t kMaxRevision = 200;  // bytes: a file of that name, and its temporary sibling
constexpr size_t kMaxPlain = 128;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }

bool is_repository_part(std::string_view part) {
  return !part.empty() && part.size() <= kMaxName && is_word(part.front()) &&
         is_word(part.back()) && std::all_of(part.begin(), part.end(), [](char c) {
           return is_word(c) || c == '-' || c == '.';
         });
}

bool is_repository(std::string_view text) {
  if (text.find("--") != std::string_view::npos || text.find("..") != std::string_view::npos ||
      text.ends_with(".git"))
    return false;
  const size_t slash = text.find('/');
  return slash == std::string_view::npos ? is_repository_part(text)
                                         : is_repository_part(text.substr(0, slash)) &&
                                               is_repository_part(text.substr(slash + 1));
}

// git check-ref-format, so that no revision leaves the folder of refs.
bool is_revision(std::string_view text) {
  if (text.empty() || text.size() > kMaxRevision || text.back() == '.' || text == "@") return false;
  for (const std::string_view forbidden : {"..", "@{", "//"})
    if (text.find(forbidden) != std::string_view::npos) return false;
  for (const char c : text)
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f ||
        std::string_view("~^:?*[\\").find(c) != std::string_view::npos)
      return false;
  size_t begin = 0;
  while (true) {
    const size_t end = std::min(text.find('/', begin), text.size());
    const std::string_view part = text.substr(begin, end - begin);
    if (part.empty() || part.front() == '.' || part.ends_with(".lock")) return false;
    if (end == text.size()) return true;
    begin = end + 1;
  }
}

// For messages: no control characters.
std::string shown(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 300))
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f
               ? fmt::format("\\x{:02x}", static_cast<unsigned char>(c))
               : std::string(1, c);
  return out;
}

std::string header(const HttpHeaders& headers, const char* name) {
  const auto it = headers.find(name);
  return it == headers.end() ? std::string() : it->second;
}

}  // namespace

bool is_hub_spec(std::string_view text) { return text.starts_with(kPrefix); }

HubSpec parse_hub_spec(const std::string& text) {
  constexpr const char* kRemedy = "write hf-hub:OWNER/NAME or hf-hub:OWNER/NAME@REVISION";
  if (!is_hub_spec(text))
    throw UsageError("hub", fmt::format("expected {}OWNER/NAME, got '{}'", kPrefix, shown(text)),
                     "", kRemedy);
  const std::string rest = text.substr(kPrefix.size());
  const size_t at = rest.find('@');
  HubSpec spec;
  spec.repository = rest.substr(0, at);
  if (!is_repository(spec.repository))
    throw UsageError("hub",
                     fmt::format("'{}' cannot be a repository's name", shown(spec.repository)),
                     shown(text), kRemedy);
  if (at != std::string::npos) {
    spec.revision = rest.substr(at + 1);
    if (!is_revision(spec.revision))
      throw UsageError(
          "hub", fmt::format("'{}' cannot be a branch, a tag or a commit", shown(spec.revision)),
          shown(text), kRemedy);
  }
  return spec;
}

std::string normalize_etag(std::string_view etag) {
  const size_t begin = etag.find_first_not_of("W/");
  if (begin == std::string_view::npos) return "";
  etag.remove_prefix(begin);
  const size_t first = etag.find_first_not_of('"');
  if (first == std::string_view::npos) return "";
  return std::string(etag.substr(first, etag.find_last_not_of('"') - first + 1));
}

bool is_plain_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxPlain && is_word(text.front()) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return is_word(c) || std::string_view("-.+=").find(c) != std::string_view::npos;
         });
}

bool is_commit(std::string_view revision) {
  return revision.size() == 40 && std::all_of(revision.begin(), revision.end(), is_hex);
}

bool is_sha256(std::string_view etag) {
  return etag.size() == 64 && std::all_of(etag.begin(), etag.end(), is_hex);
}

std::optional<uint64_t> parse_size(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > uint64_t{INT64_MAX})
    return std::nullopt;
  return value;
}

HubFile read_hub_headers(const HttpHeaders& headers, bool redirected, const std::string& where) {
  HubFile file;
  file.commit = header(headers, "x-repo-commit");
  const std::string linked = header(headers, "x-linked-etag");
  file.etag = normalize_etag(linked.empty() ? header(headers, "etag") : linked);
  for (const auto& [name, value] :
       {std::pair("X-Repo-Commit", file.commit), std::pair("ETag", file.etag)})
    if (!value.empty() && !is_plain_name(value))
      throw DataError(
          "hub",
          fmt::format("expected letters and digits in the header {}, got '{}'", name, shown(value)),
          where, "is HF_ENDPOINT a Hugging Face hub?");
  const std::string encoding = header(headers, "content-encoding");
  file.size = parse_size(header(headers, "x-linked-size"));
  if (!file.size && !redirected && (encoding.empty() || encoding == "identity"))
    file.size = parse_size(header(headers, "content-length"));
  return file;
}

std::optional<ContentRange> parse_content_range(std::string_view text) {
  constexpr std::string_view kUnit = "bytes ";
  const size_t dash = text.find('-'), slash = text.find('/');
  if (!text.starts_with(kUnit) || dash == std::string_view::npos || slash == std::string_view::npos)
    return std::nullopt;
  if (dash > slash) return std::nullopt;
  const auto begin = parse_size(text.substr(kUnit.size(), dash - kUnit.size()));
  const auto last = parse_size(text.substr(dash + 1, slash - dash - 1));
  const auto total = parse_size(text.substr(slash + 1));
  if (!begin || !last || *last < *begin) return std::nullopt;
  if (total ? *last >= *total : text.substr(slash + 1) != "*") return std::nullopt;
  return ContentRange{*begin, total};
}

std::vector<std::string> parse_file_list(const std::vector<uint8_t>& bytes) {
  std::vector<std::string> names;
  Json json;
  try {
    json = parse_json(bytes, {.component = "hub", .where = "the list of files"});
  } catch (const DataError&) {
    return names;
  }
  if (!json.is_object() || !json.contains("siblings") || !json["siblings"].is_array()) return names;
  for (const auto& file : json["siblings"])
    if (file.is_object() && file.contains("rfilename") && file["rfilename"].is_string())
      names.push_back(file["rfilename"].get<std::string>());
  return names;
}

std::optional<int64_t> retry_after(const HttpHeaders& headers) {
  if (const auto seconds = parse_size(header(headers, "retry-after")))
    return static_cast<int64_t>(*seconds);
  // "api";r=0;t=55: nothing remains for 55 seconds
  const std::string limit = header(headers, "ratelimit");
  const size_t time = limit.find(";t=");
  if (limit.find(";r=0;") == std::string::npos || time == std::string::npos) return std::nullopt;
  const size_t begin = time + 3, end = limit.find_first_not_of("0123456789", begin);
  const auto seconds =
      parse_size(limit.substr(begin, end == std::string::npos ? end : end - begin));
  return seconds ? std::optional(static_cast<int64_t>(*seconds)) : std::nullopt;
}

}  // namespace braid::io
