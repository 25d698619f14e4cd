// JSON, and the one parser of it for bytes that nobody trusts: files, headers, answers of a hub,
// flags.
#pragma once
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace braid {

using Json = nlohmann::ordered_json;

constexpr uint64_t kMaxJsonBytes = 100'000'000;
constexpr int kMaxJsonDepth = 64;  // lists and objects within each other: copying them is recursive

struct JsonSource {
  std::string component;     // who asks, for the error
  std::string where;         // the file or flag
  bool unique_keys = false;  // refuse a key that an object has twice; else the last one counts
};

// Throws DataError naming `where` and the byte: syntax, text that is no UTF-8, numbers beyond a
// double, and more than the limits above. Takes time linear in the text, whatever it holds.
Json parse_json(std::string_view text, const JsonSource& source);
Json parse_json(const std::vector<uint8_t>& bytes, const JsonSource& source);

// The same of a file; throws IoError too.
Json read_json(const std::filesystem::path& file);

// As UTF-8: bytes of texts that are none are replaced. indent: columns, -1: all on one line.
std::string dump_json(const Json& json, int indent = -1);

}  // namespace braid
