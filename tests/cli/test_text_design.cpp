// A design of texts in a TOML file, from `braid models` to `braid export`.
#include <gmock/gmock.h>

#include "braid/core/config.h"
#include "tests/cli/program.h"

namespace braid::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr const char* kTextDesign = R"(pool = "max"
[embedding]
width = 16
[[stages]]
block = "separable"
depth = 1
width = 16
[[stages]]
block = ["convbert", "lightconv"]
depth = 1
width = 16
num_heads = 2
kernel_size = 3
)";

class TextDesignProgram : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    write("mine.toml", kTextDesign);
    std::string rows;
    for (int i = 0; i < 80; ++i)
      rows += std::string("a ") + (i % 2 == 0 ? "good" : "bad") + " film of " +
              std::to_string(i % 7) + " acts\t" + (i % 2 == 0 ? "pos" : "neg") + "\n";
    write("reviews.tsv", rows);
  }
};

TEST_F(TextDesignProgram, IsTrainedUsedAndExportedUnderItsLine) {
  const std::string line = "braidtext:embed=16|Z1x16|EK1x16k3h2|pool=max";
  EXPECT_THAT(braid("models --describe resnet20").out,
              AllOf(HasSubstr("\nin all "), HasSubstr("`braid graph resnet20`")));
  EXPECT_THAT(braid("models --describe mine.toml").out,
              AllOf(HasSubstr(line), HasSubstr("stages.1"), HasSubstr("pool=max")));
  const auto trained = braid(
      "train --model mine.toml --data reviews.tsv --batch-size 8 --epochs 6 --lr 0.01 "
      "--threads 1 --output run");
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_EQ(Json::parse(text("run/model_best/config.json")).at("architecture"), line);
  const auto labels = braid("predict --checkpoint run 'a good film of 3 acts' --format json");
  EXPECT_EQ(labels.code, 0) << labels.err;
  EXPECT_THAT(labels.out, HasSubstr("pos"));
  EXPECT_EQ(braid("eval --checkpoint run --data reviews.tsv --split val").code, 0);
  EXPECT_THAT(braid("graph run").out, AllOf(HasSubstr("amax"), HasSubstr("total")));
  const auto exported = braid("export --checkpoint run --output mine.onnx");
  EXPECT_EQ(exported.code, 0) << exported.err;
  EXPECT_THAT(exported.out, HasSubstr("largest difference from the model"));
}

TEST_F(TextDesignProgram, IsComparedWithANamedModel) {
  const auto result = braid(
      "compare --latency-seconds 0.05 --data reviews.tsv --models textcnn_small,mine.toml "
      "--budget epochs=1 --batch-size 16 --threads 1 --skip robustness,efficiency --workers "
      "0 "
      "--output study");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("textcnn_small"), HasSubstr("braidtext:embed=16")));
}

TEST_F(TextDesignProgram, WrongDesignsAndOtherDataAreRefused) {
  write("wrong.toml",
        "[embedding]\nwidth = 16\n[[stages]]\nblock = \"mbconv\"\ndepth = 1\n"
        "width = 16\n");
  const auto wrong = braid("models --describe wrong.toml");
  EXPECT_EQ(wrong.code, 78);
  EXPECT_THAT(wrong.err, AllOf(HasSubstr("wrong.toml:4"), HasSubstr("block of images")));
  write_images("data");
  const auto images = braid("train --model mine.toml --data data --epochs 1 --output images");
  EXPECT_NE(images.code, 0);
  EXPECT_THAT(images.err, HasSubstr("text encoder"));
}

}  // namespace
}  // namespace braid::test
