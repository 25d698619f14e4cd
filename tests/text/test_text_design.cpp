// The composer's language for texts: what it takes, and that its errors show where.
#include "braid/text/text_design.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "braid/core/error.h"

namespace braid::text {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(TextDesign, ReadsEveryPart) {
  const auto design = parse_text_design(
      "embed=128(pos=sinusoidal,max_positions=256)|Z2x128k5|ET1x96h4|V1x90(kernel_sizes=3+4+5)|"
      "head=norm|pool=max");
  EXPECT_EQ(design.embedding.width, 128);
  ASSERT_EQ(design.embedding.options.size(), 2u);
  EXPECT_EQ(design.embedding.options[0].value, "sinusoidal");
  ASSERT_EQ(design.stages.size(), 3u);
  EXPECT_EQ(design.stages[1].blocks, "ET");
  EXPECT_EQ(design.stages[2].options[0].value, "3+4+5");
  EXPECT_TRUE(design.head_norm);
  EXPECT_EQ(design.pool, "max");
}

TEST(TextDesign, GoesRoundThroughItsLine) {
  for (const std::string line :
       {"embed=64|T2x64h4", "embed=64(pos=none,norm=none)|V1x96(kernel_sizes=3+4)|pool=max",
        "embed=64|K3x64e2(kernel_size=3+7+15)|head=norm", "embed=8|S1x8|pool=first"})
    EXPECT_EQ(to_line(parse_text_design(line)), line);
  EXPECT_EQ(to_line(parse_text_design("embed=8|S1x8|pool=mean")), "embed=8|S1x8");
}

struct TextFault {
  const char* line;
  const char* message;
  size_t character;  // counted from 1
};

TEST(TextDesign, ErrorsShowTheCharacter) {
  for (const auto& [line, message, character] :
       {TextFault{"T2x64", "expected the embedding first", 1},
        TextFault{"stem=conv3x3,8|C1x8", "braidnet:stem=", 1},
        TextFault{"embed=x", "expected the channels", 7},
        TextFault{"embed=64", "at least one stage", 9},
        TextFault{"embed=64|B2x64", "expected a block, got 'B'", 10},
        TextFault{"embed=64|T2x64|head=conv64", "expected head=norm", 21},
        TextFault{"embed=64|T2x64|pool=maks", "did you mean 'max'", 21},
        TextFault{"embed=64|T2x64|pool=max|T2x64", "expected nothing after the pooling", 25},
        TextFault{"embed=64|T2x64|head=norm|T2x64", "expected pool= or nothing after the head",
                  26}}) {
    std::string error;
    try {
      parse_text_design(line);
    } catch (const ConfigError& e) {
      error = e.what();
    }
    EXPECT_THAT(error, AllOf(HasSubstr("[braidtext]"), HasSubstr(message))) << line;
    EXPECT_THAT(error, HasSubstr("character " + std::to_string(character) + ")")) << line;
  }
}

class TextDesignFile : public ::testing::Test {
 protected:
  ~TextDesignFile() override { std::filesystem::remove(file_); }
  std::string line_of(const std::string& text) const {
    std::ofstream(file_) << text;
    const auto design = read_any_design(file_);
    if (const auto* texts = std::get_if<TextDesign>(&design)) return to_line(*texts);
    return to_line(std::get<Design>(design));
  }
  std::string error_of(const std::string& text) const {
    try {
      line_of(text);
    } catch (const ConfigError& e) {
      return e.what();
    }
    return "";
  }
  std::filesystem::path file_ = std::filesystem::temp_directory_path() /
                                ("braid_text_design_" + std::to_string(::getpid()) + ".toml");
};

const std::string kStage = "[[stages]]\nblock = \"transformer\"\ndepth = 1\nwidth = 8\n";

TEST_F(TextDesignFile, SaysWhatALineSays) {
  EXPECT_EQ(line_of(R"(
head = "norm"
pool = "first"
[embedding]
width = 64
pos = "rotary"
[[stages]]
block = ["convbert", "transformer"]
depth = 2
width = 64
num_heads = 2
[[stages]]
block = "textcnn"
depth = 1
width = 96
kernel_sizes = [3, 4, 5]
)"),
            "embed=64(pos=rotary)|ET2x64h2|V1x96(kernel_sizes=3+4+5)|head=norm|pool=first");
  EXPECT_EQ(line_of("stem = \"conv3x3,8\"\n" + kStage), "stem=conv3x3,8|T1x8");
}

TEST_F(TextDesignFile, ErrorsShowTheLine) {
  const std::string start = "[embedding]\nwidth = 8\n";
  EXPECT_THAT(error_of("[embedding]\npos = \"none\"\n" + kStage),
              AllOf(HasSubstr("expected 'width' in [embedding]"), HasSubstr("toml:2")));
  EXPECT_THAT(error_of("embedding = 8\n" + kStage),
              AllOf(HasSubstr("a table [embedding]"), HasSubstr("toml:1")));
  EXPECT_THAT(error_of(start), HasSubstr("expected 'stages'"));
  EXPECT_THAT(error_of("pol = \"max\"\n" + start + kStage),
              AllOf(HasSubstr("did you mean 'pool'"), HasSubstr("toml:1")));
  EXPECT_THAT(error_of("pool = \"maks\"\n" + start + kStage), HasSubstr("did you mean 'max'"));
  EXPECT_THAT(error_of("head = \"conv8\"\n" + start + kStage),
              HasSubstr("expected head = \"norm\""));
  EXPECT_THAT(error_of(start + "[[stages]]\nblock = \"window\"\ndepth = 1\nwidth = 8\n"),
              AllOf(HasSubstr("'window' is a block of images"), HasSubstr("toml:4")));
  EXPECT_THAT(error_of("stem = \"conv3x3,8\"\n[[stages]]\nblock = \"convbert\"\ndepth = 1\n"
                       "width = 8\n"),
              AllOf(HasSubstr("'convbert' is a block of texts"), HasSubstr("toml:3")));
  EXPECT_THAT(error_of(start + "[[stages]]\nblock = \"convbret\"\ndepth = 1\nwidth = 8\n"),
              HasSubstr("did you mean 'convbert'"));
  EXPECT_THAT(error_of(start + kStage + "kernel_size = [3, 0]\n"),
              AllOf(HasSubstr("an integer between 1 and"), HasSubstr("toml:7")));
  EXPECT_THAT(error_of("stem = \"conv3x3,8\"\n" + start + kStage),
              HasSubstr("expected a stem or an [embedding], got both"));
  EXPECT_THAT(error_of(kStage), HasSubstr("a table [embedding]"));
  std::ofstream(file_) << start + kStage;
  EXPECT_THROW(read_design(file_), ConfigError);
}

}  // namespace
}  // namespace braid::text
