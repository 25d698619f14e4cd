// The composer's language: what it takes, and that its errors show where.
#include "braid/text/design.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "braid/core/error.h"

namespace braid::text {
namespace {

using ::testing::HasSubstr;

std::string error_of(const std::string& line) {
  try {
    parse_design(line);
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

TEST(Design, ReadsEveryPart) {
  const auto design = parse_design(
      "stem=conv3x3s2*2,48+conv3x3,64(norm=none,act=identity)|CWG2x64e4|T4x192h6(pos=rotary)|"
      "head=conv384");
  ASSERT_EQ(design.stem.size(), 2u);
  EXPECT_EQ(design.stem[0].stride, 2);
  EXPECT_EQ(design.stem[0].repeats, 2);
  EXPECT_EQ(design.stem[0].width, 48);
  EXPECT_EQ(design.stem[1].options.size(), 2u);
  ASSERT_EQ(design.stages.size(), 2u);
  EXPECT_EQ(design.stages[0].blocks, "CWG");
  EXPECT_EQ(design.stages[0].depth, 2);
  EXPECT_EQ(design.stages[0].options[0].name, "expand_ratio");
  EXPECT_EQ(design.stages[1].width, 192);
  EXPECT_EQ(design.stages[1].options[0].value, "6");
  EXPECT_EQ(design.stages[1].options[1].value, "rotary");
  EXPECT_EQ(design.head_conv, 384);
}

TEST(Design, GoesRoundThroughItsLine) {
  for (const std::string line :
       {"stem=patch4,96|T2x96s1h3", "stem=conv7x7s4,64|P2x64r8(num_heads=one)|head=norm",
        "stem=conv3x3s2*2,48+conv3x3,64(norm=none)|C2x64e2.5|IM1x96e4p2(dim=96,depth=2)"})
    EXPECT_EQ(to_line(parse_design(line)), line);
}

struct Fault {
  const char* line;
  const char* message;
  size_t character;  // counted from 1
};

TEST(Design, ErrorsShowTheCharacter) {
  for (const auto& [line, message, character] :
       {Fault{"C2x64", "expected the stem first", 1},
        Fault{"stem=pool3,8|C2x64", "expected conv or patch", 6},
        Fault{"stem=conv3y3,8|C2x64", "expected 'x'", 11},
        Fault{"stem=conv3x5,8|C2x64", "expected a square kernel", 12},
        Fault{"stem=conv4x4s4,8|C2x64", "expected an odd kernel", 12},
        Fault{"stem=conv3x3,8", "expected at least one stage", 15},
        Fault{"stem=conv3x3,8|", "expected a block's letter, got the end", 16},
        Fault{"stem=conv3x3,8|Q2x64", "expected a block, got 'Q'", 16},
        Fault{"stem=conv3x3,8|Cx64", "expected how many blocks", 17},
        Fault{"stem=conv3x3,8|C0x64", "between 1 and", 17},
        Fault{"stem=conv3x3,8|C2x999999999999999999999", "between 1 and", 19},
        Fault{"stem=conv3x3,8|C2x64h", "expected a number, got the end", 22},
        Fault{"stem=conv3x3,8|C2x64z3", "expected an option's letter, got 'z'", 21},
        Fault{"stem=conv3x3,8|C2x64(e4)", "expected '=' after 'e4'", 24},
        Fault{"stem=conv3x3,8|C2x64(se=0.25", "expected ',' or ')'", 29},
        Fault{"stem=conv3x3,8|C2x64e4(expand_ratio=2)", "'expand_ratio' is given twice", 24},
        Fault{"stem=conv3x3,8|C2x64;", "expected '|' or the end, got ';'", 21},
        Fault{"stem=conv3x3,8|C2x64|head=norm|C2x64", "expected nothing after the head", 32}}) {
    const auto error = error_of(line);
    EXPECT_THAT(error, HasSubstr(message)) << line;
    EXPECT_THAT(error, HasSubstr("character " + std::to_string(character) + ")")) << line;
    EXPECT_THAT(error, HasSubstr("\n  " + std::string(character - 1, ' ') + "^")) << line;
  }
}

class DesignFile : public ::testing::Test {
 protected:
  ~DesignFile() override { std::filesystem::remove(file_); }
  const std::filesystem::path& write(const std::string& text) const {
    std::ofstream(file_) << text;
    return file_;
  }
  std::string error_of(const std::string& text) const {
    try {
      read_design(write(text));
    } catch (const ConfigError& e) {
      return e.what();
    }
    return "";
  }
  std::filesystem::path file_ = std::filesystem::temp_directory_path() /
                                ("braid_design_" + std::to_string(::getpid()) + ".toml");
};

TEST_F(DesignFile, SaysWhatALineSays) {
  const auto design = read_design(write(R"(
stem = "conv3x3s2*2,48"
head = "norm"
[[stages]]
block = ["mbconv", "window"]
depth = 2
width = 64
expand_ratio = 4
[[stages]]
block = "transformer"
depth = 4
width = 192
num_heads = 6
pos = "rotary"
)"));
  EXPECT_EQ(to_line(design), "stem=conv3x3s2*2,48|CW2x64e4|T4x192h6(pos=rotary)|head=norm");
}

TEST_F(DesignFile, NumbersAreThoseOfALine) {
  for (const double number : {1e-5, 0.1, 3.0, 1.0 / 3, 1e17, 2.3e-308, 1.7e308}) {
    const auto design = read_design(
        write(fmt::format("stem = \"conv3x3,8\"\n[[stages]]\nblock = \"basic\"\ndepth = 1\n"
                          "width = 8\ndrop_path = {}\n",
                          number)));
    const auto line = to_line(design);
    const auto again = parse_design(line);
    ASSERT_EQ(again.stages.at(0).options.size(), 1u) << line;
    EXPECT_EQ(std::stod(again.stages[0].options[0].value), number) << line;
  }
}

TEST_F(DesignFile, ErrorsShowTheLine) {
  const std::string stem = "stem = \"conv3x3,8\"\n";
  EXPECT_THAT(error_of("stem = \"conv3x3\"\n[[stages]]\n"), HasSubstr("toml:1"));
  EXPECT_THAT(error_of(stem + "stages = 3\n"), HasSubstr("toml:2"));
  EXPECT_THAT(error_of(stem + "steps = 3\n[[stages]]\nblock = \"basic\"\n"),
              HasSubstr("did you mean"));
  EXPECT_THAT(error_of(stem + "[[stages]]\nblock = \"basik\"\ndepth = 1\nwidth = 8\n"),
              ::testing::AllOf(HasSubstr("toml:3"), HasSubstr("did you mean 'basic'")));
  EXPECT_THAT(error_of(stem + "[[stages]]\nblock = \"basic\"\ndepth = 0\nwidth = 8\n"),
              HasSubstr("toml:4"));
  EXPECT_THAT(error_of(stem + "[[stages]]\nblock = \"basic\"\nwidth = 8\n"),
              HasSubstr("expected 'depth'"));
  EXPECT_THAT(error_of(stem), HasSubstr("expected 'stages'"));
  const std::string stage = "[[stages]]\nblock = \"basic\"\ndepth = 1\nwidth = 8\n";
  EXPECT_THAT(error_of("stem = \"conv3x3,8|C4x64\"\n" + stage),
              ::testing::AllOf(HasSubstr("a stem alone"), HasSubstr("toml:1")));
  EXPECT_THAT(error_of("stem = \"conv3x4,8\"\n" + stage),
              ::testing::AllOf(HasSubstr("a square kernel in stem = 'conv3x4,8'"),
                               ::testing::Not(HasSubstr("C1x8"))));
}

}  // namespace
}  // namespace braid::text
