#include "braid/core/config.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "braid/core/error.h"

namespace braid {
namespace {

struct Inner {
  int64_t depth = 12;
  double drop_rate = 0.1;
  std::string act = "gelu";
  std::optional<int64_t> head;
  std::vector<int64_t> widths = {1, 2};
  void visit(FieldVisitor& v) {
    v.field("depth", depth, "blocks");
    v.field("drop_rate", drop_rate, "dropout");
    v.field("act", act, "activation");
    v.field("head", head, "head");
    v.field("widths", widths, "widths");
  }
};

TEST(Config, RoundTripsThroughJsonAndToml) {
  Inner config{.depth = 3, .drop_rate = 0.25, .act = "relu", .head = 7, .widths = {4, 5, 6}};
  const Json json = to_json(config);
  EXPECT_EQ(to_json(from_json<Inner>(json, "test")), json);
  const auto file = std::filesystem::temp_directory_path() / "braid_config_test.toml";
  std::ofstream(file) << to_toml(json);
  EXPECT_EQ(to_json(from_json<Inner>(read_toml(file), "test")), json);
  std::filesystem::remove(file);
}

TEST(Config, AFolderOrNothingIsNoFileOfSettings) {
  EXPECT_THROW(read_toml(std::filesystem::temp_directory_path()), IoError);
  EXPECT_THROW(read_toml("/nonexistent/a.toml"), IoError);
}

TEST(Config, UnknownKeyNamesLineAndNearMatch) {
  const auto file = std::filesystem::temp_directory_path() / "braid_config_unknown.toml";
  std::ofstream(file) << "depth = 3\n\ndrop_rat = 0.5\n";
  KeyLines lines;
  const Json json = read_toml(file, &lines);
  Inner config;
  try {
    update_from_json(config, json, "run.toml", lines);
    FAIL() << "no error";
  } catch (const ConfigError& e) {
    EXPECT_STREQ(e.what(),
                 "[config] unknown key 'drop_rat' (run.toml:3); did you mean 'drop_rate'?");
    EXPECT_EQ(e.code(), ExitCode::kBadConfig);
  }
  EXPECT_EQ(config.depth, 12) << "a rejected update changes nothing";
  std::filesystem::remove(file);
}

TEST(Config, WrongTypeIsRejected) {
  Inner config;
  EXPECT_THROW(update_from_json(config, Json{{"depth", 1.5}}, "x"), ConfigError);
  EXPECT_THROW(update_from_json(config, Json{{"act", 1}}, "x"), ConfigError);
  EXPECT_THROW(update_from_json(config, Json{{"widths", 3}}, "x"), ConfigError);
  EXPECT_THROW(update_from_json(config, Json::array(), "x"), ConfigError);
}

TEST(Config, TextThatIsNoUtf8IsNamed) {
  Inner config;
  config.act = "caf\u00e9";
  EXPECT_NO_THROW(check_utf8(config, "test"));
  config.act = "caf\xe9";
  try {
    check_utf8(config, "test");
    FAIL() << "no error";
  } catch (const ConfigError& e) {
    EXPECT_NE(std::string(e.what()).find("expected act in UTF-8"), std::string::npos) << e.what();
    EXPECT_EQ(std::string(e.what()).find('\xe9'), std::string::npos) << "it can be written itself";
  }
}

}  // namespace
}  // namespace braid
