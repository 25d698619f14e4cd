// Reading what others wrote as JSON, such as a model's config.json, field by field.
#pragma once
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "braid/core/config.h"
#include "braid/core/error.h"

namespace braid {

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
      if (holds_whole_numbers<T> && has_too_large(json_.at(key))) refuse_value(key);
      return json_.at(key).get<T>();
    } catch (const Json::exception&) {
      refuse_value(key);
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
  template <class T>
  static constexpr bool holds_whole_numbers =
      std::is_same_v<T, int64_t> || std::is_same_v<T, std::vector<int64_t>> ||
      std::is_same_v<T, std::vector<std::vector<int64_t>>>;
  // 1e300, whose cast to int64 is undefined, here or in a list.
  static bool has_too_large(const Json& json) {
    constexpr double kMost = 9e18;
    if (json.is_array()) return std::any_of(json.begin(), json.end(), has_too_large);
    return json.is_number_float() && !(std::abs(json.get<double>()) <= kMost);
  }
  [[noreturn]] void refuse_value(const char* key) const {
    fail(fmt::format("expected a valid '{}', got {}", key,
                     json_.contains(key) ? dump_json(json_.at(key)) : "nothing"));
  }

  Json json_;
  std::string where_;
};

}  // namespace braid
