// What visited structs (core/field.h) give: their round trip to JSON, the rejection of unknown
// keys, and the check of their rules. Configs and results are such structs.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "braid/core/error.h"
#include "braid/core/field.h"
#include "braid/core/json.h"
#include "braid/core/toml.h"

namespace braid {

using VisitFields = std::function<void(FieldVisitor&)>;

// What is wrong with a field's value, by its rules.
struct FieldFault {
  std::string field;    // dotted, as models[0].top1
  std::string message;  // "expected opt to be one of sgd, lion, got 'sdg'"
  std::string remedy;   // a near match; may be empty
};

// Behind the templates below.
Json visit_to_json(const VisitFields& visit);
void visit_from_json(const Json& json, const VisitFields& visit, const std::string& where,
                     const KeyLines& lines);
std::optional<FieldFault> visit_for_fault(const VisitFields& visit);
std::optional<FieldFault> visit_for_bad_text(const VisitFields& visit);
std::vector<Field> visit_for_fields(const VisitFields& visit);

// Unset optionals are null.
template <Visited Struct>
Json to_json(const Struct& value) {
  Struct copy = value;  // visit() is not const: one list serves reading and writing
  return visit_to_json([&copy](FieldVisitor& v) { copy.visit(v); });
}

// Overwrites the fields that `json` names and leaves the others as they are; a list is replaced as
// a whole. Throws ConfigError on an unknown key (with near matches and the line, if known) or a
// wrong type. where: the file or flag that the JSON came from.
template <Visited Struct>
void update_from_json(Struct& value, const Json& json, const std::string& where,
                      const KeyLines& lines = {}) {
  Struct updated = value;  // all or nothing
  visit_from_json(
      json, [&updated](FieldVisitor& v) { updated.visit(v); }, where, lines);
  value = std::move(updated);
}

template <Visited Struct>
Struct from_json(const Json& json, const std::string& where) {
  Struct value;
  update_from_json(value, json, where);
  return value;
}

// Throws ErrorType naming the first field that breaks its rules, what it may be, and a near match.
template <class ErrorType = ConfigError, Visited Struct>
void check_fields(const Struct& value, const std::string& component) {
  Struct copy = value;
  const auto fault = visit_for_fault([&copy](FieldVisitor& v) { copy.visit(v); });
  if (fault) throw ErrorType(component, fault->message, "", fault->remedy);
}

// Throws ErrorType naming the first field, but those of nested structs, whose text is no UTF-8,
// such as a path: JSON and TOML, in which settings are kept, cannot hold it.
template <class ErrorType = ConfigError, Visited Struct>
void check_utf8(const Struct& value, const std::string& component) {
  Struct copy = value;
  const auto fault = visit_for_bad_text([&copy](FieldVisitor& v) { copy.visit(v); });
  if (fault) throw ErrorType(component, fault->message, "", fault->remedy);
}

// Names, help and rules, without those of nested structs.
template <Visited Struct>
std::vector<Field> fields_of(const Struct& value) {
  Struct copy = value;
  return visit_for_fields([&copy](FieldVisitor& v) { copy.visit(v); });
}

}  // namespace braid
