#include "braid/core/config.h"

#include <fmt/format.h>

#include <toml++/toml.h>
#include <fstream>
#include <sstream>

#include "braid/core/error.h"
#include "braid/core/near_match.h"

namespace braid {
namespace {

class Writer final : public FieldVisitor {
 public:
  void field(const char* n, bool& v, const char*) override { json[n] = v; }
  void field(const char* n, int64_t& v, const char*) override { json[n] = v; }
  void field(const char* n, double& v, const char*) override { json[n] = v; }
  void field(const char* n, std::string& v, const char*) override { json[n] = v; }
  void field(const char* n, std::optional<int64_t>& v, const char*) override { put(n, v); }
  void field(const char* n, std::optional<double>& v, const char*) override { put(n, v); }
  void field(const char* n, std::optional<std::string>& v, const char*) override { put(n, v); }
  void field(const char* n, std::vector<int64_t>& v, const char*) override { json[n] = v; }
  void field(const char* n, std::vector<double>& v, const char*) override { json[n] = v; }
  void field(const char* n, std::vector<std::string>& v, const char*) override { json[n] = v; }
  Json json = Json::object();

 private:
  template <class T>
  void put(const char* name, const std::optional<T>& value) {
    json[name] = value ? Json(*value) : Json(nullptr);
  }
};

class Reader final : public FieldVisitor {
 public:
  Reader(const Json& json, const std::string& where, const KeyLines& lines)
      : json_(json), where_(where), lines_(lines) {
    if (!json.is_object())
      throw ConfigError("config", fmt::format("expected an object, got {}", json.type_name()),
                        where);
  }
  void field(const char* n, bool& v, const char*) override {
    if (const Json* j = find(n)) v = get_bool(n, *j);
  }
  void field(const char* n, int64_t& v, const char*) override {
    if (const Json* j = find(n)) v = get_integer(n, *j);
  }
  void field(const char* n, double& v, const char*) override {
    if (const Json* j = find(n)) v = get_number(n, *j);
  }
  void field(const char* n, std::string& v, const char*) override {
    if (const Json* j = find(n)) v = get_string(n, *j);
  }
  void field(const char* n, std::optional<int64_t>& v, const char*) override {
    if (const Json* j = find(n)) {
      if (j->is_null())
        v.reset();
      else
        v = get_integer(n, *j);
    }
  }
  void field(const char* n, std::optional<double>& v, const char*) override {
    if (const Json* j = find(n)) {
      if (j->is_null())
        v.reset();
      else
        v = get_number(n, *j);
    }
  }
  void field(const char* n, std::optional<std::string>& v, const char*) override {
    if (const Json* j = find(n)) {
      if (j->is_null())
        v.reset();
      else
        v = get_string(n, *j);
    }
  }
  void field(const char* n, std::vector<int64_t>& v, const char*) override {
    list(n, v, &Reader::get_integer);
  }
  void field(const char* n, std::vector<double>& v, const char*) override {
    list(n, v, &Reader::get_number);
  }
  void field(const char* n, std::vector<std::string>& v, const char*) override {
    list(n, v, &Reader::get_string);
  }

  void reject_unknown() const {
    for (const auto& [key, value] : json_.items()) {
      if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
      throw ConfigError("config", fmt::format("unknown key '{}'", key), place(key),
                        did_you_mean(key, known_, "remove it"));
    }
  }

 private:
  const Json* find(const char* name) {
    known_.emplace_back(name);
    const auto it = json_.find(name);
    return it == json_.end() ? nullptr : &*it;
  }
  std::string place(const std::string& key) const {
    const auto line = lines_.find(key);
    return line == lines_.end() ? where_ : fmt::format("{}:{}", where_, line->second);
  }
  [[noreturn]] void wrong_type(const char* name, const char* expected, const Json& got) const {
    throw ConfigError("config",
                      fmt::format("expected {} for '{}', got {}", expected, name, got.dump()),
                      place(name));
  }
  bool get_bool(const char* name, const Json& j) const {
    if (!j.is_boolean()) wrong_type(name, "true or false", j);
    return j.get<bool>();
  }
  int64_t get_integer(const char* name, const Json& j) const {
    if (j.is_number_unsigned() && j.get<uint64_t>() > uint64_t{INT64_MAX})
      wrong_type(name, "an integer below 2^63", j);
    if (!j.is_number_integer()) wrong_type(name, "an integer", j);
    return j.get<int64_t>();
  }
  double get_number(const char* name, const Json& j) const {
    if (!j.is_number()) wrong_type(name, "a number", j);
    return j.get<double>();
  }
  std::string get_string(const char* name, const Json& j) const {
    if (!j.is_string()) wrong_type(name, "a string", j);
    return j.get<std::string>();
  }
  template <class T>
  void list(const char* name, std::vector<T>& value,
            T (Reader::*get)(const char*, const Json&) const) {
    const Json* j = find(name);
    if (j == nullptr) return;
    if (!j->is_array()) wrong_type(name, "a list", *j);
    value.clear();
    for (const auto& item : *j) value.push_back((this->*get)(name, item));
  }

  const Json& json_;
  const std::string& where_;
  const KeyLines& lines_;
  std::vector<std::string> known_;
};

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

Json visit_to_json(const std::function<void(FieldVisitor&)>& visit) {
  Writer writer;
  visit(writer);
  return writer.json;
}

void visit_from_json(const Json& json, const std::function<void(FieldVisitor&)>& visit,
                     const std::string& where, const KeyLines& lines) {
  Reader reader(json, where, lines);
  visit(reader);
  reader.reject_unknown();
}

Json read_toml(const std::filesystem::path& file, KeyLines* lines) {
  std::ifstream in(file);
  if (!in) throw IoError("config", "cannot read the config file", file.string());
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

Json read_json(const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in) throw IoError("config", "cannot read the JSON file", file.string());
  constexpr int kMaxDepth = 64;  // lists and objects within each other: copying them is recursive
  const auto watch = [&](int depth, Json::parse_event_t, Json&) {
    if (depth > kMaxDepth)
      throw DataError("config", fmt::format("expected at most {} levels of nesting", kMaxDepth),
                      file.string());
    return true;
  };
  try {
    return Json::parse(in, watch);
  } catch (const nlohmann::json::parse_error& e) {
    throw DataError("config", fmt::format("JSON syntax at byte {}", e.byte), file.string());
  }
}

}  // namespace braid
