// Any bytes as JSON, and as the fields of a struct.
#include <cstdlib>

#include "braid/core/config.h"
#include "braid/core/error.h"

namespace {

struct Part {
  std::optional<double> share;
  std::vector<std::vector<int64_t>> table;
  void visit(braid::FieldVisitor& v) {
    v.field("share", share, "", {.least = 0, .most = 1});
    v.field("table", table, "");
  }
};

struct Whole {
  std::string name = "a";
  std::vector<Part> parts;
  std::optional<Part> extra;
  void visit(braid::FieldVisitor& v) {
    v.field("name", name, "", {.choices = {"a", "b"}});
    v.list("parts", parts);
    v.group("extra", extra);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const std::vector<uint8_t> bytes(data, data + size);
    const braid::Json json = braid::parse_json(bytes, {.component = "fuzz", .where = "bytes"});
    // The text of a value is a value again: valid UTF-8, finite numbers, no depth that overflows.
    if (braid::parse_json(json.dump(), {.component = "fuzz", .where = "dump"}) != json)
      std::abort();
    const auto whole = braid::from_json<Whole>(json, "fuzz");
    braid::check_fields(whole, "fuzz");
  } catch (const braid::DataError&) {    // the errors that foreign bytes may bring about,
  } catch (const braid::ConfigError&) {  // and foreign fields
  }
  return 0;
}
