#include "braid/text/json_field.h"

#include <fmt/format.h>

#include "braid/core/error.h"

namespace braid::text {
namespace {

constexpr size_t kShown = 60;  // bytes of a value in an error

std::string shown(const Json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  auto text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  return text.size() > kShown ? text.substr(0, kShown) + "..." : text;
}

}  // namespace

void JsonField::fail(const std::string& what, const std::string& remedy) const {
  throw DataError("tokenizer",
                  fmt::format("expected {} to be {}, got {}", path_.empty() ? "the file" : path_,
                              what, shown(*value_)),
                  *file_, remedy);
}

std::optional<JsonField> JsonField::find(const std::string& key) const {
  if (!value_->is_object()) fail("an object");
  const auto found = value_->find(key);
  if (found == value_->end() || found->is_null()) return std::nullopt;
  return JsonField(*found, *file_, path_.empty() ? key : path_ + "." + key);
}

JsonField JsonField::at(const std::string& key) const {
  if (const auto found = find(key)) return *found;
  throw DataError(
      "tokenizer",
      fmt::format("expected the field {}{}{}, found none", path_, path_.empty() ? "" : ".", key),
      *file_);
}

std::vector<std::pair<std::string, JsonField>> JsonField::members() const {
  if (!value_->is_object()) fail("an object");
  std::vector<std::pair<std::string, JsonField>> list;
  list.reserve(value_->size());
  for (const auto& [key, value] : value_->items())
    list.emplace_back(key, JsonField(value, *file_, path_ + "." + key));
  return list;
}

std::vector<JsonField> JsonField::items() const {
  if (!value_->is_array()) fail("a list");
  std::vector<JsonField> list;
  list.reserve(value_->size());
  for (const auto& value : *value_)
    list.emplace_back(value, *file_, fmt::format("{}[{}]", path_, list.size()));
  return list;
}

std::string JsonField::text() const {
  if (!value_->is_string()) fail("a text");
  return value_->get<std::string>();
}

bool JsonField::boolean() const {
  if (!value_->is_boolean()) fail("true or false");
  return value_->get<bool>();
}

int64_t JsonField::integer(int64_t least, int64_t most) const {
  const auto wanted = [&] { return fmt::format("a whole number from {} to {}", least, most); };
  if (value_->is_number_unsigned()) {
    const auto number = value_->get<uint64_t>();
    if (number > static_cast<uint64_t>(most)) fail(wanted());
  } else if (!value_->is_number_integer()) {
    fail(wanted());
  }
  const auto number = value_->get<int64_t>();
  if (number < least || number > most) fail(wanted());
  return number;
}

std::string JsonField::text(const std::string& key, const std::string& otherwise) const {
  const auto field = find(key);
  return field ? field->text() : otherwise;
}

bool JsonField::boolean(const std::string& key, bool otherwise) const {
  const auto field = find(key);
  return field ? field->boolean() : otherwise;
}

}  // namespace braid::text
