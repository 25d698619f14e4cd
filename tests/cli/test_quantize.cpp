// braid quantize, as the program runs it.
#include <gmock/gmock.h>

#include "braid/core/json.h"
#include "tests/cli/program.h"

namespace braid::test {
namespace {

using ::testing::HasSubstr;

class QuantizeVerb : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    write_images("data", 60, 20);
    ASSERT_EQ(train("--max-steps 12").code, 0);
  }
};

TEST_F(QuantizeVerb, WritesATableAndASmallFile) {
  const auto result =
      braid("quantize --checkpoint run --data data --output q.onnx --workers 0 --format json");
  ASSERT_EQ(result.code, 0) << result.err;
  const Json json = Json::parse(result.out);
  EXPECT_EQ(json.at("bytes"), std::filesystem::file_size(path("q.onnx")));
  EXPECT_LT(json.at("size_ratio"), 0.3);
  EXPECT_EQ(json.at("split"), "test");
  EXPECT_EQ(json.at("count"), 40);
  EXPECT_EQ(json.at("steps").at(0).at("step"), "float32");
  EXPECT_GE(json.at("steps").size(), 4u);
  EXPECT_LE(json.at("drop"), 5.0);
  const auto naive =
      braid("quantize --checkpoint run --data data --mode naive --output n.onnx --workers 0");
  EXPECT_EQ(naive.code, 0) << naive.err;
  for (const char* word : {"naive", "top-1", "operators in 8 bits"})
    EXPECT_THAT(naive.out, HasSubstr(word));
}

TEST_F(QuantizeVerb, CalibratesOnImagesWithoutLabels) {
  for (int64_t i = 0; i < 40; ++i)
    write("plain/" + std::to_string(i) + ".png", png(i % 2, 200 + i));
  const auto result = braid("quantize --checkpoint run --data plain --output q.onnx --format json");
  ASSERT_EQ(result.code, 0) << result.err;
  const Json json = Json::parse(result.out);
  EXPECT_EQ(json.at("samples"), 30);
  EXPECT_TRUE(json.at("top1").is_null());
  EXPECT_THAT(result.err, HasSubstr("no labels"));
  EXPECT_THAT(result.err, HasSubstr("30 images calibrate: few"));
}

TEST_F(QuantizeVerb, RefusesWhatMakesNoSense) {
  const std::string base = "quantize --checkpoint run --output q.onnx ";
  std::filesystem::create_directories(path("empty/train/left"));
  EXPECT_EQ(braid(base + "--data empty").code, 65);
  EXPECT_EQ(braid(base + "--data missing").code, 74);
  write("other/train/cat/1.png", png(0, 1));
  write("other/train/dog/1.png", png(1, 2));
  const auto other = braid(base + "--data other");
  EXPECT_EQ(other.code, 65);
  EXPECT_THAT(other.err, HasSubstr("cat"));
  EXPECT_EQ(braid(base + "--data data --samples 0").code, 64);
  EXPECT_EQ(braid(base + "--data data --mode fast").code, 64);
  EXPECT_EQ(braid(base + "--data data --weight-bits 3").code, 64);
  EXPECT_EQ(braid("quantize --checkpoint run --data data --output q.pt").code, 64);
  EXPECT_EQ(braid("quantize --checkpoint resnet20 --data data --output q.onnx").code, 64);
  EXPECT_FALSE(std::filesystem::exists(path("q.onnx")));
}

}  // namespace
}  // namespace braid::test
