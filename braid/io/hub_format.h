// The texts of the Hugging Face hub: names of repositories, headers of answers. What comes from a
// server is checked here before it becomes part of a path.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace braid::io {

// A revision of a repository on the hub.
struct HubSpec {
  std::string repository;         // OWNER/NAME, or NAME
  std::string revision = "main";  // a branch, a tag, or a commit; may hold slashes
  std::string text() const { return repository + "@" + revision; }
};

bool is_hub_spec(std::string_view text);  // begins with hf-hub:
// Parses hf-hub:OWNER/NAME[@REVISION] by the hub's own rules for names and git's for revisions.
// Throws UsageError.
HubSpec parse_hub_spec(const std::string& text);

// W/"abc" and "abc" are abc.
std::string normalize_etag(std::string_view etag);
// A word that can be a file's name and nothing else: letters, digits, and -_.+= inside.
bool is_plain_name(std::string_view text);
// 40 hexadecimal digits, as huggingface_hub tells a commit from a branch.
bool is_commit(std::string_view revision);
// 64 hexadecimal digits: the etag of a large file is its SHA-256.
bool is_sha256(std::string_view etag);
// Decimal digits that fit into 63 bits.
std::optional<uint64_t> parse_size(std::string_view text);

// What the headers of a file's address say.
struct HubFile {
  std::string commit;            // empty: the header is missing
  std::string etag;              // the blob's name; empty: the header is missing
  std::optional<uint64_t> size;  // bytes
};
using HttpHeaders = std::map<std::string, std::string>;  // names in lower case
// redirected: the answer points elsewhere, its length is not the file's. Throws DataError where a
// commit or an etag cannot be a file's name; where: for the message.
HubFile read_hub_headers(const HttpHeaders& headers, bool redirected, const std::string& where);

// Of `Content-Range: bytes 5-9/10`.
struct ContentRange {
  uint64_t begin = 0;
  std::optional<uint64_t> total;
};
std::optional<ContentRange> parse_content_range(std::string_view text);

// The names of a revision's files in the hub's description of it; none where it is no such thing.
std::vector<std::string> parse_file_list(const std::vector<uint8_t>& json);

// Seconds to wait, from Retry-After or the hub's RateLimit header.
std::optional<int64_t> retry_after(const HttpHeaders& headers);

}  // namespace braid::io
