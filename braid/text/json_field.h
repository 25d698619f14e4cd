// A value in a JSON file of somebody else, which knows where it stands: every error names the file
// and the field.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "braid/core/json.h"

namespace braid::text {

class JsonField {
 public:
  // value and file must outlive the field.
  JsonField(const Json& value, const std::string& file, std::string path = "")
      : value_(&value), file_(&file), path_(std::move(path)) {}

  const Json& json() const { return *value_; }
  const std::string& path() const { return path_; }
  const std::string& file() const { return *file_; }
  bool is_null() const { return value_->is_null(); }

  // Of an object. at: the member must be there; find: none, too, where it is null.
  JsonField at(const std::string& key) const;
  std::optional<JsonField> find(const std::string& key) const;
  std::vector<std::pair<std::string, JsonField>> members() const;
  std::vector<JsonField> items() const;  // of a list

  std::string text() const;
  bool boolean() const;
  int64_t integer(int64_t least, int64_t most) const;
  // Members with a value for where there is none.
  std::string text(const std::string& key, const std::string& otherwise) const;
  bool boolean(const std::string& key, bool otherwise) const;
  std::string type() const { return at("type").text(); }

  // "expected PATH to be WHAT, got VALUE".
  [[noreturn]] void fail(const std::string& what, const std::string& remedy = "") const;

 private:
  const Json* value_;
  const std::string* file_;
  std::string path_;
};

}  // namespace braid::text
