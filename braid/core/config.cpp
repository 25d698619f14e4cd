#include "braid/core/config.h"

#include <fmt/format.h>

#include <algorithm>

#include "braid/core/near_match.h"
#include "braid/core/utf8.h"

namespace braid {
namespace {

class Writer final : public FieldVisitor {
 public:
  Json json = Json::object();

 private:
  template <class T>
  static Json written(const T& value) {
    return value;
  }
  template <class T>
  static Json written(const std::optional<T>& value) {
    return value ? Json(*value) : Json(nullptr);
  }
  void on_field(const Field& field, FieldValue value) override {
    std::visit([&](const auto* v) { json[field.name] = written(*v); }, value);
  }
  void on_nested(const char* name, const NestedFields& nested) override {
    Json& out = json[name] = nullptr;
    const auto count = nested.count();
    if (!count) return;
    if (nested.list) out = Json::array();
    for (size_t i = 0; i < *count; ++i) {
      Writer inner;
      nested.visit_one(i, inner);
      if (nested.list)
        out.push_back(std::move(inner.json));
      else
        out = std::move(inner.json);
    }
  }
};

// The choice that is meant: people write masked-lm for masked_lm.
std::string spelled_as_choice(const std::vector<std::string>& choices, const std::string& word) {
  const auto dashed = [](std::string text) {
    std::replace(text.begin(), text.end(), '_', '-');
    return text;
  };
  if (std::find(choices.begin(), choices.end(), word) != choices.end()) return word;
  const auto meant = std::find_if(choices.begin(), choices.end(), [&](const auto& choice) {
    return dashed(choice) == dashed(word);
  });
  return meant == choices.end() ? word : *meant;
}

class Reader final : public FieldVisitor {
 public:
  // prefix: of the names in messages and lines, as "models[0]."
  Reader(const Json& json, const std::string& where, const KeyLines& lines, std::string prefix = "")
      : json_(json), where_(where), lines_(lines), prefix_(std::move(prefix)) {
    if (!json.is_object())
      throw ConfigError(
          "config",
          fmt::format("expected an object{}, got {}",
                      prefix_.empty() ? "" : fmt::format(" for '{}'", owner()), json.type_name()),
          prefix_.empty() ? where_ : place(owner()));
  }

  void reject_unknown() const {
    for (const auto& [key, value] : json_.items()) {
      if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
      throw ConfigError("config", fmt::format("unknown key '{}'", prefix_ + key),
                        place(prefix_ + key), did_you_mean(key, known_, "remove it"));
    }
  }

 private:
  void on_field(const Field& field, FieldValue value) override {
    const Json* json = find(field.name);
    if (json == nullptr) return;
    std::visit([&](auto* v) { read(prefix_ + field.name, *json, *v); }, value);
    if (auto* const* word = std::get_if<std::string*>(&value))
      **word = spelled_as_choice(field.rules.choices, **word);
  }
  void on_nested(const char* name, const NestedFields& nested) override {
    const Json* json = find(name);
    if (json == nullptr) return;
    const std::string path = prefix_ + name;
    if (nested.nullable && json->is_null()) {
      nested.reset(std::nullopt);
    } else if (!nested.list) {
      if (!nested.count()) nested.reset(1);
      read_one(*json, path, nested, 0);
    } else {
      if (!json->is_array()) wrong_type(path, "a list", *json);
      nested.reset(json->size());
      for (size_t i = 0; i < json->size(); ++i)
        read_one((*json)[i], fmt::format("{}[{}]", path, i), nested, i);
    }
  }
  void read_one(const Json& json, const std::string& path, const NestedFields& nested, size_t i) {
    Reader inner(json, where_, lines_, path + ".");
    nested.visit_one(i, inner);
    inner.reject_unknown();
  }

  const Json* find(const char* name) {
    known_.emplace_back(name);
    const auto it = json_.find(name);
    return it == json_.end() ? nullptr : &*it;
  }
  std::string owner() const { return prefix_.substr(0, prefix_.size() - 1); }
  std::string place(const std::string& path) const {
    const auto line = lines_.find(path);
    return line == lines_.end() ? where_ : fmt::format("{}:{}", where_, line->second);
  }
  [[noreturn]] void wrong_type(const std::string& path, const char* expected,
                               const Json& got) const {
    throw ConfigError("config",
                      fmt::format("expected {} for '{}', got {}", expected, path, dump_json(got)),
                      place(path));
  }

  void read(const std::string& path, const Json& json, bool& value) const {
    if (!json.is_boolean()) wrong_type(path, "true or false", json);
    value = json.get<bool>();
  }
  void read(const std::string& path, const Json& json, int64_t& value) const {
    if (json.is_number_unsigned() && json.get<uint64_t>() > uint64_t{INT64_MAX})
      wrong_type(path, "an integer below 2^63", json);
    if (!json.is_number_integer()) wrong_type(path, "an integer", json);
    value = json.get<int64_t>();
  }
  void read(const std::string& path, const Json& json, double& value) const {
    if (!json.is_number()) wrong_type(path, "a number", json);
    value = json.get<double>();
  }
  void read(const std::string& path, const Json& json, std::string& value) const {
    if (!json.is_string()) wrong_type(path, "a string", json);
    value = json.get<std::string>();
  }
  void read(const std::string&, const Json& json, Json& value) const { value = json; }
  template <class T>
  void read(const std::string& path, const Json& json, std::optional<T>& value) const {
    value.reset();
    if (!json.is_null()) read(path, json, value.emplace());
  }
  template <class T>
  void read(const std::string& path, const Json& json, std::vector<T>& value) const {
    if (!json.is_array()) wrong_type(path, "a list", json);
    value.assign(json.size(), T());
    for (size_t i = 0; i < json.size(); ++i) read(path, json[i], value[i]);
  }

  const Json& json_;
  const std::string& where_;
  const KeyLines& lines_;
  const std::string prefix_;
  std::vector<std::string> known_;
};

class Lister final : public FieldVisitor {
 public:
  std::vector<Field> fields;

 private:
  void on_field(const Field& field, FieldValue) override { fields.push_back(field); }
  void on_nested(const char*, const NestedFields&) override {}
};

}  // namespace

Json visit_to_json(const VisitFields& visit) {
  Writer writer;
  visit(writer);
  return std::move(writer.json);
}

void visit_from_json(const Json& json, const VisitFields& visit, const std::string& where,
                     const KeyLines& lines) {
  Reader reader(json, where, lines);
  visit(reader);
  reader.reject_unknown();
}

std::optional<FieldFault> visit_for_bad_text(const VisitFields& visit) {
  const auto is_bad = [](const Json& value) {
    if (!value.is_string()) return false;
    const auto& text = value.get_ref<const std::string&>();
    return valid_utf8_prefix(text) < text.size();
  };
  const Json fields = visit_to_json(visit);
  for (const auto& [name, value] : fields.items())
    if (value.is_array() ? std::any_of(value.begin(), value.end(), is_bad) : is_bad(value))
      return FieldFault{name, fmt::format("expected {} in UTF-8, got {}", name, dump_json(value)),
                        "rename it, or name it from within its folder"};
  return std::nullopt;
}

std::vector<Field> visit_for_fields(const VisitFields& visit) {
  Lister lister;
  visit(lister);
  return std::move(lister.fields);
}

}  // namespace braid
