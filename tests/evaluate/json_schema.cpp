#include "tests/evaluate/json_schema.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>

namespace braid::test {
namespace {

const std::set<std::string> kNotes = {"$schema",     "$id",      "$defs",  "title",
                                      "description", "examples", "default"};

bool has_type(const Json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "null") return value.is_null();
  if (type == "number") return value.is_number();
  if (type == "integer") {
    return value.is_number_integer() ||
           (value.is_number_float() && std::trunc(value.get<double>()) == value.get<double>());
  }
  throw std::invalid_argument("unknown type " + type);
}

class Checker {
 public:
  explicit Checker(const Json& root) : root_(root) {}

  void check(const Json& value, const Json& schema, const std::string& path) {
    if (schema.is_boolean()) {
      expect(schema.get<bool>(), path, "nothing is allowed here");
      return;
    }
    for (const auto& [key, rule] : schema.items()) apply(key, rule, value, schema, path);
  }

  std::vector<std::string> violations;

 private:
  void expect(bool good, const std::string& path, const std::string& what) {
    if (!good) violations.push_back((path.empty() ? "/" : path) + ": " + what);
  }

  void apply(const std::string& key, const Json& rule, const Json& value, const Json& schema,
             const std::string& path) {
    if (kNotes.contains(key)) return;
    if (key == "$ref") {
      check(value, root_.at(Json::json_pointer(rule.get<std::string>().substr(1))), path);
    } else if (key == "type") {
      const Json types = rule.is_array() ? rule : Json::array({rule});
      const bool good = std::any_of(types.begin(), types.end(), [&](const Json& type) {
        return has_type(value, type.get<std::string>());
      });
      expect(good, path, "expected " + rule.dump() + ", got " + value.dump().substr(0, 60));
    } else if (key == "enum") {
      expect(std::find(rule.begin(), rule.end(), value) != rule.end(), path,
             "expected one of " + rule.dump());
    } else if (key == "const") {
      expect(value == rule, path, "expected " + rule.dump());
    } else if (key == "minimum" || key == "maximum" || key == "exclusiveMinimum" ||
               key == "exclusiveMaximum") {
      apply_bound(key, rule.get<double>(), value, path);
    } else if (key == "minItems" || key == "maxItems") {
      if (!value.is_array()) return;
      expect(key == "minItems" ? value.size() >= rule.get<size_t>()
                               : value.size() <= rule.get<size_t>(),
             path, key + " " + rule.dump() + ", got " + std::to_string(value.size()));
    } else if (key == "items") {
      if (!value.is_array()) return;
      for (size_t i = 0; i < value.size(); ++i)
        check(value[i], rule, path + "/" + std::to_string(i));
    } else if (key == "required") {
      if (!value.is_object()) return;
      for (const Json& name : rule)
        expect(value.contains(name.get<std::string>()), path, "lacks " + name.dump());
    } else if (key == "properties" || key == "additionalProperties") {
      apply_properties(key, rule, value, schema, path);
    } else if (key == "anyOf" || key == "oneOf") {
      const auto fits = std::count_if(rule.begin(), rule.end(), [&](const Json& option) {
        Checker branch(root_);
        branch.check(value, option, path);
        return branch.violations.empty();
      });
      expect(key == "anyOf" ? fits >= 1 : fits == 1, path,
             key + " fits " + std::to_string(fits) + " times");
    } else {
      throw std::invalid_argument("unknown keyword " + key + " at " + path);
    }
  }

  void apply_bound(const std::string& key, double bound, const Json& value,
                   const std::string& path) {
    if (!value.is_number()) return;
    const double x = value.get<double>();
    const bool good = key == "minimum"            ? x >= bound
                      : key == "maximum"          ? x <= bound
                      : key == "exclusiveMinimum" ? x > bound
                                                  : x < bound;
    expect(good, path, key + " " + std::to_string(bound) + ", got " + value.dump());
  }

  void apply_properties(const std::string& key, const Json& rule, const Json& value,
                        const Json& schema, const std::string& path) {
    if (!value.is_object()) return;
    for (const auto& [name, member] : value.items()) {
      const bool named = schema.contains("properties") && schema["properties"].contains(name);
      if (key == "properties" && named) check(member, rule[name], path + "/" + name);
      if (key == "additionalProperties" && !named) check(member, rule, path + "/" + name);
    }
  }

  const Json& root_;
};

}  // namespace

std::vector<std::string> schema_violations(const Json& instance, const Json& schema) {
  Checker checker(schema);
  checker.check(instance, schema, "");
  return checker.violations;
}

}  // namespace braid::test
