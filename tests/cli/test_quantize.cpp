// braid quantize, as the program runs it.
#include <gmock/gmock.h>

#include "braid/core/json.h"
#include "tests/cli/program.h"

namespace braid::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

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
  EXPECT_LT(json.at("file_relative_error"), 0.25);
  const auto naive =
      braid("quantize --checkpoint run --data data --mode naive --output n.onnx --workers 0");
  EXPECT_EQ(naive.code, 0) << naive.err;
  for (const char* word : {"naive", "top-1", "operators in 8 bits"})
    EXPECT_THAT(naive.out, HasSubstr(word));
}

TEST_F(QuantizeVerb, StoresWeightsOfFourBitsTwoInAByte) {
  const std::string base =
      "quantize --checkpoint run --data data --mode naive --max-drop 100 --workers 0 --output ";
  const auto eight = braid(base + "a.onnx --format json"),
             four = braid(base + "b.onnx --weight-bits 4 --format json");
  ASSERT_EQ(eight.code, 0) << eight.err;
  ASSERT_EQ(four.code, 0) << four.err;
  const Json wide = Json::parse(eight.out), narrow = Json::parse(four.out);
  EXPECT_EQ(wide.at("opset"), 20);
  EXPECT_EQ(narrow.at("opset"), 21);
  EXPECT_EQ(narrow.at("weight_bits"), 4);
  EXPECT_EQ(narrow.at("bytes"), std::filesystem::file_size(path("b.onnx")));
  EXPECT_LT(narrow.at("bytes").get<double>(), 0.7 * wide.at("bytes").get<double>());
  EXPECT_LT(narrow.at("size_ratio"), 0.2);
  EXPECT_LT(narrow.at("file_relative_error"), 0.25);
  const auto table = braid(base + "c.onnx --weight-bits 4");
  EXPECT_THAT(table.out, HasSubstr("weights of 4 bits, two in a byte: operator set 21"));
  EXPECT_THAT(braid(base + "d.onnx --weight-bits 5").out, Not(HasSubstr("two in a byte")));
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
  for (const char* name : {"a.png", "b.png", "c.png"})
    write("plain/" + std::string(name), "no image");
  const std::string verb = "quantize --checkpoint run --data plain --samples 43 --output q.onnx ";
  EXPECT_EQ(braid(verb).code, 65);
  const auto skipped = braid(verb + "--on-bad-sample skip");
  ASSERT_EQ(skipped.code, 0) << skipped.err;
  EXPECT_THAT(skipped.err, HasSubstr("Left out 3 images that could not be read, such as: "));
}

TEST_F(QuantizeVerb, RefusesWhatMakesNoSense) {
  const std::string base = "quantize --checkpoint run --output q.onnx ";
  std::filesystem::create_directories(path("empty/train/left"));
  EXPECT_EQ(braid(base + "--data empty").code, 65);
  EXPECT_EQ(braid(base + "--data missing").code, 74);
  for (int64_t i = 0; i < 4; ++i) {
    write("other/train/cat/" + std::to_string(i) + ".png", png(0, i));
    write("other/train/dog/" + std::to_string(i) + ".png", png(1, i));
  }
  const auto other = braid(base + "--data other");
  EXPECT_EQ(other.code, 65);
  EXPECT_THAT(other.err, HasSubstr("cat"));
  for (int64_t i = 0; i < 9; ++i) write("few/" + std::to_string(i) + ".png", png(i % 2, i));
  const auto few = braid(base + "--data few");  // of which two judge
  EXPECT_EQ(few.code, 65);
  EXPECT_THAT(few.err, HasSubstr("expected 8 images or more to calibrate with, got 7"));
  EXPECT_EQ(braid(base + "--data data --samples 7").code, 64);
  EXPECT_EQ(braid(base + "--data data --mode fast").code, 64);
  EXPECT_EQ(braid(base + "--data data --weight-bits 3").code, 64);
  EXPECT_EQ(braid("quantize --checkpoint run --data data --output q.pt").code, 64);
  EXPECT_EQ(braid("quantize --checkpoint run --data data --output missing/q.onnx").code, 74);
  EXPECT_EQ(braid("quantize --checkpoint resnet20 --data data --output q.onnx").code, 64);
  EXPECT_FALSE(std::filesystem::exists(path("q.onnx")));
}

class QuantizeTextsVerb : public ProgramTest {};

TEST_F(QuantizeTextsVerb, WritesAFileThatBraidRunReads) {
  std::string rows;
  for (int i = 0; i < 80; ++i)
    rows += std::string("a ") + (i % 2 == 0 ? "good" : "bad") + " film of " +
            std::to_string(i % 7) + " acts" + (i % 3 == 0 ? " and more\t" : "\t") +
            (i % 2 == 0 ? "pos" : "neg") + "\n";
  write("reviews.tsv", rows);
  ASSERT_EQ(braid("train --model textcnn_small --data reviews.tsv --batch-size 8 --epochs 8 "
                  "--threads 1 --output run")
                .code,
            0);
  const auto result = braid(
      "quantize --checkpoint run --data reviews.tsv --output q.onnx --workers 0 --format json");
  ASSERT_EQ(result.code, 0) << result.err;
  const Json json = Json::parse(result.out);
  EXPECT_EQ(json.at("bytes"), std::filesystem::file_size(path("q.onnx")));
  EXPECT_LT(json.at("size_ratio"), 0.3);
  EXPECT_LE(json.at("drop"), 0);
  const auto table =
      braid("quantize --checkpoint run --data reviews.tsv --mode naive --output n.onnx");
  EXPECT_EQ(table.code, 0) << table.err;
  EXPECT_THAT(table.out, HasSubstr("72 samples calibrated"));
  EXPECT_EQ(braid("quantize --checkpoint run --data reviews.tsv --with-preprocessing on --output "
                  "q.onnx")
                .code,
            64);
}

}  // namespace
}  // namespace braid::test
