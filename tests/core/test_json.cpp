// JSON that nobody trusts.
#include "braid/core/json.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "braid/core/error.h"

namespace braid {
namespace {

Json parse(const std::string& text, bool unique_keys = false) {
  return parse_json(text, {.component = "test", .where = "x.json", .unique_keys = unique_keys});
}

std::string refusal(const std::string& text, bool unique_keys = false) {
  try {
    parse(text, unique_keys);
  } catch (const DataError& e) {
    return e.what();
  }
  return "";
}

TEST(ForeignJson, ReadsWhatTheLibraryWrites) {
  const Json json = {{"z", {1, -2, 3.5, true, nullptr, "é\n"}},
                     {"a", {{"b", Json::object()}, {"c", Json::array()}}},
                     {"large", UINT64_MAX}};
  EXPECT_EQ(parse(json.dump()), json);
  EXPECT_EQ(parse(json.dump(2)).begin().key(), "z") << "the keys' order stays";
  EXPECT_EQ(parse("7"), 7);
  EXPECT_EQ(parse(R"([[], {}, [{"a": []}]])"), Json::parse(R"([[], {}, [{"a": []}]])"));
}

TEST(ForeignJson, ErrorsNameFileAndByte) {
  EXPECT_EQ(refusal(R"({"a":)"), "[test] JSON syntax at byte 6 (x.json)");
  EXPECT_EQ(refusal(""), "[test] JSON syntax at byte 1 (x.json)");
  EXPECT_EQ(refusal("{} {}"), "[test] JSON syntax at byte 4 (x.json)");
  EXPECT_EQ(refusal(R"({"a": 2E8869})"), "[test] a number too large at byte 12 (x.json)");
  EXPECT_NE(refusal("[-1e400]"), "");
  EXPECT_NE(refusal("[NaN]"), "");
}

TEST(ForeignJson, TextIsUtf8) {
  EXPECT_NE(refusal("[\"\xff\"]"), "");
  EXPECT_NE(refusal("[\"\xc3\"]"), "");
  EXPECT_NE(refusal(R"(["\ud800"])"), "") << "half a surrogate pair";
  EXPECT_NE(refusal(std::string("[\"a\0b\"]", 7)), "");
}

TEST(ForeignJson, DepthIsLimited) {
  const auto nested = [](int depth) {
    return std::string(static_cast<size_t>(depth), '[') +
           std::string(static_cast<size_t>(depth), ']');
  };
  EXPECT_EQ(refusal(nested(kMaxJsonDepth)), "");
  EXPECT_EQ(refusal(nested(kMaxJsonDepth + 1)),
            "[test] expected at most 64 levels of nesting (x.json)");
  EXPECT_NE(refusal(std::string(1'000'000, '[')), "");
  std::string objects;
  for (int i = 0; i < 100; ++i) objects += R"({"a":)";
  EXPECT_NE(refusal(objects).find("nesting"), std::string::npos);
}

TEST(ForeignJson, AKeyTwice) {
  const std::string twice = R"({"a": 1, "b": {"c": 2, "c": [3]}, "a": {"d": 4}})";
  EXPECT_EQ(parse(twice), Json::parse(R"({"a": {"d": 4}, "b": {"c": [3]}})"));
  EXPECT_EQ(refusal(twice, true), "[test] duplicate key 'c' (x.json)");
  EXPECT_EQ(refusal(R"({"a": {"a": 1}, "b": {"a": 1}})", true), "") << "in different objects";
}

TEST(ForeignJson, ManyKeysTakeNoQuadraticTime) {
  std::string text = "{";  // 300,000 keys: a search through all for each one takes minutes
  for (int i = 0; i < 300'000; ++i)
    text += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":" + std::to_string(i);
  const Json json = parse(text + "}");
  EXPECT_EQ(json.size(), 300'000u);
  EXPECT_EQ(json.begin().value(), 0);
}

TEST(ForeignJson, IsWrittenWhateverItsTextsHold) {
  const Json json = {{"a", "\xff"}, {"b", "\u00fc"}};
  EXPECT_EQ(dump_json(json), "{\"a\":\"\uFFFD\",\"b\":\"\u00fc\"}");
  EXPECT_EQ(dump_json(Json{{"a", 1}}, 1), "{\n \"a\": 1\n}");
}

TEST(ForeignJson, Files) {
  const auto file = std::filesystem::temp_directory_path() /
                    ("braid_json_" + std::to_string(::getpid()) + ".json");
  std::ofstream(file) << R"({"a": [1, 2]})";
  EXPECT_EQ(read_json(file), Json::parse(R"({"a": [1, 2]})"));
  std::ofstream(file) << R"({"a": 2E8869})";
  EXPECT_THROW(read_json(file), DataError);
  std::filesystem::remove(file);
  EXPECT_THROW(read_json(file), IoError);
  EXPECT_THROW(read_json(std::filesystem::temp_directory_path()), IoError) << "a folder";
}

}  // namespace
}  // namespace braid
