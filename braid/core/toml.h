// TOML files as JSON.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "braid/core/json.h"

namespace braid {

// Where each key of a parsed file stands: dotted key -> line number; a list's items as in
// stages[0].width.
using KeyLines = std::map<std::string, int64_t>;

// Parses a TOML file into JSON; throws IoError or ConfigError with the line.
// lines: receives the line of every key, for later errors.
Json read_toml(const std::filesystem::path& file, KeyLines* lines = nullptr);
// Writes a JSON object as TOML text (null values are left out: TOML has none).
std::string to_toml(const Json& json);

}  // namespace braid
