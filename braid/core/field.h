// What a visited struct says of its members: one line each, from which everything else follows.
//
//   struct ViTConfig {
//     int64_t depth = 12;
//     double drop_rate = 0.0;
//     std::string act = "gelu";
//     void visit(FieldVisitor& v) {
//       v.field("depth", depth, "number of blocks", {.least = 1});
//       v.field("drop_rate", drop_rate, "dropout before the head, 0: none", {.least = 0, .below =
//       1}); v.field("act", act, "activation", {.choices = {"gelu", "relu"}});
//     }
//   };
#pragma once
#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "braid/core/json.h"

namespace braid {

// What a field may be. Numbers are finite, whatever the rules; a list's rules hold for each of its
// items, an optional's where it is set.
struct FieldRules {
  std::vector<std::string> choices = {};  // the words that may stand here; empty: any
  std::optional<double> least = {};       // value >= least
  std::optional<double> most = {};        // value <= most
  std::optional<double> above = {};       // value > above
  std::optional<double> below = {};       // value < below
  bool free_on_resume = false;            // a resumed run may have another value than it began with
};
// "at least 0 and below 1"; empty: any number.
std::string bounds_text(const FieldRules& rules);

struct Field {
  const char* name;  // snake_case; the flag is the same with dashes
  const char* help;  // meaning, unit, what 0 means; choices and bounds are added by who prints it
  FieldRules rules = {};
};
// A field's flag on the command line: "--max-length" of max_length.
std::string flag_of(std::string field);

// Where a member's value is. Json: a part whose form another place knows.
using FieldValue =
    std::variant<bool*, int64_t*, double*, std::string*, std::optional<int64_t>*,
                 std::optional<double>*, std::optional<std::string>*, std::vector<int64_t>*,
                 std::vector<double>*, std::vector<std::string>*,
                 std::optional<std::vector<double>>*, std::vector<std::vector<int64_t>>*,
                 std::vector<std::vector<double>>*,
                 std::optional<std::vector<std::vector<int64_t>>>*, Json*>;

class FieldVisitor;

// A member that is made of visited structs.
struct NestedFields {
  bool list = false;                                           // else one struct
  bool nullable = false;                                       // may be none at all: null in JSON
  std::function<std::optional<size_t>()> count;                // of structs; empty: none at all
  std::function<void(std::optional<size_t>)> reset;            // to so many with their defaults
  std::function<void(size_t index, FieldVisitor&)> visit_one;  // index < count
};

template <class T>
concept Visited = requires(T& value, FieldVisitor& visitor) {
  value.visit(visitor);
};

class FieldVisitor {
 public:
  virtual ~FieldVisitor() = default;

  template <class T>
  requires std::constructible_from<FieldValue, T*>
  void field(const char* name, T& value, const char* help, FieldRules rules = {}) {
    on_field({name, help, std::move(rules)}, &value);
  }
  // For a field that several structs have.
  template <class T>
  requires std::constructible_from<FieldValue, T*>
  void field(const Field& field, T& value) { on_field(field, &value); }

  // A struct under a name of its own. (`inner.visit(v)` instead puts its fields beside the others.)
  template <Visited T>
  void group(const char* name, T& value) {
    on_nested(name, {.count = [] { return std::optional<size_t>(1); },
                     .reset = [&value](std::optional<size_t>) { value = T(); },
                     .visit_one = [&value](size_t, FieldVisitor& v) { value.visit(v); }});
  }
  template <Visited T>
  void group(const char* name, std::optional<T>& value) {
    on_nested(name, {.nullable = true,
                     .count = [&value] { return value ? std::optional<size_t>(1) : std::nullopt; },
                     .reset =
                         [&value](std::optional<size_t> count) {
                           value = count ? std::optional<T>(T()) : std::nullopt;
                         },
                     .visit_one = [&value](size_t, FieldVisitor& v) { value->visit(v); }});
  }
  // A list of structs.
  template <Visited T>
  void list(const char* name, std::vector<T>& values) {
    on_nested(name,
              {.list = true,
               .count = [&values] { return std::optional<size_t>(values.size()); },
               .reset = [&values](std::optional<size_t> count) { values = std::vector<T>(*count); },
               .visit_one = [&values](size_t i, FieldVisitor& v) { values[i].visit(v); }});
  }
  template <Visited T>
  void list(const char* name, std::optional<std::vector<T>>& values) {
    on_nested(name, {.list = true,
                     .nullable = true,
                     .count =
                         [&values] {
                           return values ? std::optional<size_t>(values->size()) : std::nullopt;
                         },
                     .reset =
                         [&values](std::optional<size_t> count) {
                           values = count ? std::optional(std::vector<T>(*count)) : std::nullopt;
                         },
                     .visit_one = [&values](size_t i, FieldVisitor& v) { (*values)[i].visit(v); }});
  }

 private:
  virtual void on_field(const Field& field, FieldValue value) = 0;
  virtual void on_nested(const char* name, const NestedFields& nested) = 0;
};

}  // namespace braid
