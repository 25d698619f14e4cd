#include "braid/core/toml.h"

#include <fmt/format.h>

#include <toml++/toml.h>
#include <fstream>
#include <sstream>

#include "braid/core/error.h"

namespace braid {
namespace {

Json convert(const toml::node& node, const std::string& prefix, KeyLines* lines) {
  if (const auto* table = node.as_table()) {
    Json object = Json::object();
    for (const auto& [key, value] : *table) {
      const std::string name(key.str());
      const std::string dotted = prefix.empty() ? name : prefix + "." + name;
      if (lines != nullptr) (*lines)[dotted] = static_cast<int64_t>(key.source().begin.line);
      object[name] = convert(value, dotted, lines);
    }
    return object;
  }
  if (const auto* array = node.as_array()) {
    Json list = Json::array();
    for (const auto& item : *array)
      list.push_back(convert(item, fmt::format("{}[{}]", prefix, list.size()), lines));
    return list;
  }
  if (const auto* v = node.as_boolean()) return v->get();
  if (const auto* v = node.as_integer()) return v->get();
  if (const auto* v = node.as_floating_point()) return v->get();
  if (const auto* v = node.as_string()) return v->get();
  std::ostringstream text;  // dates and times
  node.visit([&text](const auto& n) {
    if constexpr (toml::is_value<decltype(n)>) text << n.get();
  });
  return text.str();
}

void insert(toml::table& table, const std::string& key, const Json& json);

void append(toml::array& array, const Json& json) {
  if (json.is_boolean())
    array.push_back(json.get<bool>());
  else if (json.is_number_integer())
    array.push_back(json.get<int64_t>());
  else if (json.is_number())
    array.push_back(json.get<double>());
  else if (json.is_string())
    array.push_back(json.get<std::string>());
  else if (json.is_array()) {
    toml::array inner;
    for (const auto& item : json) append(inner, item);
    array.push_back(std::move(inner));
  } else if (json.is_object()) {
    toml::table inner;
    for (const auto& [k, v] : json.items()) insert(inner, k, v);
    array.push_back(std::move(inner));
  }
}

void insert(toml::table& table, const std::string& key, const Json& json) {
  if (json.is_null()) return;
  toml::array one;
  append(one, json);
  table.insert(key, std::move(one[0]));
}

}  // namespace

Json read_toml(const std::filesystem::path& file, KeyLines* lines) {
  std::ifstream in(file);
  std::error_code unknown;
  if (!in || std::filesystem::is_directory(file, unknown))
    throw IoError("config", "cannot read the config file", file.string());
  try {
    return convert(toml::parse(in, file.string()), "", lines);
  } catch (const toml::parse_error& e) {
    throw ConfigError("config", fmt::format("TOML syntax: {}", e.description()),
                      fmt::format("{}:{}", file.string(), e.source().begin.line));
  }
}

std::string to_toml(const Json& json) {
  toml::table table;
  for (const auto& [key, value] : json.items()) insert(table, key, value);
  std::ostringstream out;
  out << table << "\n";
  return out.str();
}

}  // namespace braid
