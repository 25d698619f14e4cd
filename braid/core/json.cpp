#include "braid/core/json.h"

#include <fmt/format.h>

#include <array>
#include <fstream>
#include <map>
#include <utility>

#include "braid/core/error.h"

namespace braid {
namespace {

// Builds the value from the parser's events. nlohmann's own builder searches all keys of an ordered
// object for each new one (a header of a million keys takes hours) and knows no limit of depth.
class JsonBuilder final : public nlohmann::json_sax<Json> {
 public:
  explicit JsonBuilder(const JsonSource& source) : source_(source) {}

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t&) override { return false; }  // JSON has none
  bool start_object(size_t) override { return open(Json::object()); }
  bool start_array(size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    // The base's push_back instead of the object's own, which searches.
    auto& entries =
        static_cast<Json::object_t::Container&>(open_.back().value->get_ref<Json::object_t&>());
    const auto [known, is_new] = open_.back().keys.emplace(name, entries.size());
    if (is_new) {
      entries.emplace_back(std::move(name), nullptr);
    } else if (source_.unique_keys) {
      throw DataError(source_.component, fmt::format("duplicate key '{}'", name), source_.where);
    }
    member_ = &entries[known->second].second;
    return true;
  }
  bool parse_error(size_t byte, const std::string&,
                   const nlohmann::detail::exception& error) override {
    constexpr int kNumberOverflow = 406;
    throw DataError(
        source_.component,
        fmt::format("{} at byte {}",
                    error.id == kNumberOverflow ? "a number too large" : "JSON syntax", byte),
        source_.where);
  }

  Json root;

 private:
  struct Open {
    Json* value;
    std::map<std::string, size_t> keys = {};  // of an object: their positions
  };

  Json* place(Json&& value) {
    Json* target = &root;
    if (!open_.empty() && open_.back().value->is_array())
      target = &open_.back().value->get_ref<Json::array_t&>().emplace_back();
    else if (!open_.empty())
      target = member_;
    *target = std::move(value);
    return target;
  }
  bool put(Json&& value) {
    place(std::move(value));
    return true;
  }
  bool open(Json&& value) {
    if (open_.size() >= kMaxJsonDepth)
      throw DataError(source_.component,
                      fmt::format("expected at most {} levels of nesting", kMaxJsonDepth),
                      source_.where);
    open_.push_back({place(std::move(value))});
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  const JsonSource& source_;
  std::vector<Open> open_;
  Json* member_ = nullptr;  // of the open object, whose value comes next
};

void check_size(uint64_t bytes, const JsonSource& source) {
  if (bytes > kMaxJsonBytes)
    throw DataError(source.component,
                    fmt::format("expected at most {} bytes of JSON, got {}", kMaxJsonBytes, bytes),
                    source.where);
}

}  // namespace

Json parse_json(std::string_view text, const JsonSource& source) {
  check_size(text.size(), source);
  JsonBuilder builder(source);
  Json::sax_parse(text.begin(), text.end(), &builder);
  return std::move(builder.root);
}

Json parse_json(const std::vector<uint8_t>& bytes, const JsonSource& source) {
  return parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, source);
}

Json read_json(const std::filesystem::path& file) {
  const JsonSource source{.component = "config", .where = file.string()};
  std::ifstream in(file, std::ios::binary);
  std::string text;
  std::array<char, 1 << 16> block;
  while (in && text.size() <= kMaxJsonBytes) {
    in.read(block.data(), block.size());
    text.append(block.data(), static_cast<size_t>(in.gcount()));
  }
  if (!in.is_open() || in.bad())
    throw IoError(source.component, "cannot read the JSON file", source.where);
  return parse_json(text, source);
}

std::string dump_json(const Json& json, int indent) {
  return json.dump(indent, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

}  // namespace braid
