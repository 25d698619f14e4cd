// Reading a model's config.json field by field.
#pragma once
#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <utility>

#include "braid/core/config.h"
#include "braid/core/error.h"

namespace braid::models {

// An object of the file; null counts as absent, as in timm. Errors are DataErrors that name the
// file and the field.
class HubFields {
 public:
  HubFields(Json json, const std::string& name, std::string where)
      : json_(std::move(json)), where_(std::move(where)) {
    if (!json_.is_object()) fail(fmt::format("expected an object '{}'", name));
  }
  bool has(const char* key) const { return json_.contains(key) && !json_.at(key).is_null(); }
  template <class T>
  T get(const char* key) const {
    try {
      return json_.at(key).get<T>();
    } catch (const Json::exception&) {
      fail(fmt::format("expected a valid '{}', got {}", key,
                       json_.contains(key) ? json_.at(key).dump() : "nothing"));
    }
  }
  template <class T>
  void read(const char* key, T& value) const {
    if (has(key)) value = get<T>(key);
  }
  HubFields object(const char* key) const { return {json_.at(key), key, where_}; }
  void expect_range(const char* key, int64_t value, int64_t low, int64_t high) const {
    if (value < low || value > high)
      fail(fmt::format("expected {} between {} and {}, got {}", key, low, high, value));
  }
  const Json& json() const { return json_; }
  const std::string& where() const { return where_; }
  [[noreturn]] void fail(const std::string& what, const std::string& remedy = "") const {
    throw DataError("checkpoint", what, where_, remedy);
  }

 private:
  Json json_;
  std::string where_;
};

}  // namespace braid::models
