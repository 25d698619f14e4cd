// Config structs and their round trip to JSON and TOML.
//
// A config is a plain struct with in-class defaults and one member function:
//
//   struct ViTConfig {
//     int64_t depth = 12;
//     double drop_rate = 0.0;
//     void visit(FieldVisitor& v) {
//       v.field("depth", depth, "number of blocks");
//       v.field("drop_rate", drop_rate, "dropout before the head, 0: none");
//     }
//   };
//
// That one list gives the JSON and TOML round trip, the rejection of unknown keys and the
// command-line flags.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace braid {

using Json = nlohmann::ordered_json;

class FieldVisitor {
 public:
  virtual ~FieldVisitor() = default;
  // name: snake_case; the flag is the same with dashes. help: meaning, unit, what 0 means.
  virtual void field(const char* name, bool& value, const char* help) = 0;
  virtual void field(const char* name, int64_t& value, const char* help) = 0;
  virtual void field(const char* name, double& value, const char* help) = 0;
  virtual void field(const char* name, std::string& value, const char* help) = 0;
  virtual void field(const char* name, std::optional<int64_t>& value, const char* help) = 0;
  virtual void field(const char* name, std::optional<double>& value, const char* help) = 0;
  virtual void field(const char* name, std::optional<std::string>& value, const char* help) = 0;
  virtual void field(const char* name, std::vector<int64_t>& value, const char* help) = 0;
  virtual void field(const char* name, std::vector<double>& value, const char* help) = 0;
  virtual void field(const char* name, std::vector<std::string>& value, const char* help) = 0;
};

// Where each key of a parsed file stands: dotted key -> line number; a list's items as in
// stages[0].width.
using KeyLines = std::map<std::string, int64_t>;

// Visitors behind the templates below; use them directly for types that are visited piecewise.
Json visit_to_json(const std::function<void(FieldVisitor&)>& visit);
// Throws ConfigError on an unknown key (with near matches and the line, if known) or a wrong type.
// where: the file or flag that the JSON came from.
void visit_from_json(const Json& json, const std::function<void(FieldVisitor&)>& visit,
                     const std::string& where, const KeyLines& lines = {});

template <class Config>
Json to_json(const Config& config) {
  Config copy = config;  // visit() is not const: one list serves reading and writing
  return visit_to_json([&copy](FieldVisitor& v) { copy.visit(v); });
}

// Overwrites the fields that `json` names and leaves the others as they are.
template <class Config>
void update_from_json(Config& config, const Json& json, const std::string& where,
                      const KeyLines& lines = {}) {
  Config updated = config;  // all or nothing
  visit_from_json(
      json, [&updated](FieldVisitor& v) { updated.visit(v); }, where, lines);
  config = updated;
}

template <class Config>
Config from_json(const Json& json, const std::string& where) {
  Config config;
  update_from_json(config, json, where);
  return config;
}

// Parses a TOML file into JSON; throws IoError or ConfigError with the line.
// lines: receives the line of every key, for later errors.
Json read_toml(const std::filesystem::path& file, KeyLines* lines = nullptr);
// Writes a JSON object as TOML text (null values are left out: TOML has none).
std::string to_toml(const Json& json);
// Parses a JSON file; throws IoError or DataError naming the file and byte.
Json read_json(const std::filesystem::path& file);

}  // namespace braid
