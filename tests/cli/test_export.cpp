// braid graph and braid export, as the program runs them.
#include <gmock/gmock.h>

#include "braid/core/json.h"
#include "tests/cli/program.h"

namespace braid::test {
namespace {

using ::testing::HasSubstr;

class GraphVerb : public ProgramTest {};
class ExportVerb : public ProgramTest {};

TEST_F(GraphVerb, ShowsATable) {
  const auto result = braid("graph resnet20 --num-classes 5");
  EXPECT_EQ(result.code, 0) << result.err;
  for (const char* word : {"pixel_values Nx3x32x32 -> logits Nx5", "conv2d", "MACs", "total"})
    EXPECT_THAT(result.out, HasSubstr(word));
  EXPECT_EQ(result.out.find("\nbatch_norm"), std::string::npos);
}

TEST_F(GraphVerb, WithoutPassesItIsTheModelToTheBit) {
  const auto result = braid("graph resnet20 --passes none --format json");
  ASSERT_EQ(result.code, 0) << result.err;
  const Json json = Json::parse(result.out);
  EXPECT_EQ(json.at("max_error"), 0.0);
  EXPECT_EQ(json.at("nodes").at(0).at("module"), "conv1");
}

TEST_F(GraphVerb, DrawsForGraphviz) {
  const auto result = braid("graph cct_2_3x2_32 --format dot");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(result.out.starts_with("digraph \"cct_2_3x2_32\" {")) << result.out.substr(0, 80);
}

TEST_F(GraphVerb, RefusesWhatItDoesNotKnow) {
  const auto unknown = braid("graph resnet2");
  EXPECT_EQ(unknown.code, 64);
  EXPECT_THAT(unknown.err, HasSubstr("resnet"));
  EXPECT_EQ(braid("graph resnet20 --format yaml").code, 64);
  EXPECT_EQ(braid("graph resnet20 --img-size 0").code, 64);
}

TEST_F(ExportVerb, WritesArchitecturesAndCheckpoints) {
  const auto random = braid("export --checkpoint resnet20 --init 0 --output a.onnx --format json");
  ASSERT_EQ(random.code, 0) << random.err;
  EXPECT_EQ(Json::parse(random.out).at("bytes"), std::filesystem::file_size(path("a.onnx")));
  ASSERT_EQ(braid("forward resnet20 --init 0 --num-classes 3 --save-weights saved/").code, 0);
  const auto saved = braid("export --checkpoint saved --with-preprocessing --output b.onnx");
  EXPECT_EQ(saved.code, 0) << saved.err;
  EXPECT_THAT(saved.out, HasSubstr("image NxHxWx3 -> probabilities Nx3"));
  EXPECT_THAT(saved.out, HasSubstr("largest difference from the model"));
}

TEST_F(ExportVerb, ProvesTheFileOnImages) {
  write_images("data");
  for (int64_t i = 0; i < 3; ++i) write("plain/" + std::to_string(i) + ".png", png(i % 2, i));
  ASSERT_EQ(braid("forward resnet20 --init 0 --num-classes 2 --save-weights saved/").code, 0);
  const std::string base = "export --checkpoint saved --output a.onnx ";
  const auto labelled = braid(base + "--data data");
  ASSERT_EQ(labelled.code, 0) << labelled.err;
  EXPECT_THAT(labelled.out, HasSubstr("of the file, run on 4 images"));
  const auto plain = braid(base + "--data plain --format json");
  ASSERT_EQ(plain.code, 0) << plain.err;
  const Json json = Json::parse(plain.out);
  EXPECT_EQ(json.at("samples"), "3 images");
  EXPECT_LT(json.at("file_relative_error"), 1e-3);
  EXPECT_EQ(json.at("remarks"), Json::array());
  EXPECT_THAT(braid(base).out, HasSubstr("of the file, run on noise"));
  EXPECT_EQ(braid(base + "--data missing").code, 74);
}

TEST_F(ExportVerb, RefusesAnOutputBeforeItReadsWeights) {
  ASSERT_EQ(braid("forward resnet20 --init 0 --save-weights saved/").code, 0);
  write("saved/model.safetensors", "no weights");
  EXPECT_EQ(braid("export --checkpoint saved --output a.onnx").code, 65);
  EXPECT_EQ(braid("export --checkpoint saved --output a.pt").code, 64);
  EXPECT_EQ(braid("export --checkpoint saved --output missing/a.onnx").code, 74);
  EXPECT_EQ(braid("export --checkpoint lightconv_tiny --init 0 --data x --output pair").code, 64);
  EXPECT_EQ(braid("export --checkpoint bert_tiny --init 0 --data x --output a.onnx").code, 64);
}

TEST_F(ExportVerb, WritesModelsOfTexts) {
  const auto texts =
      braid("export --checkpoint bert_tiny --init 0 --num-classes 3 --output a.onnx");
  ASSERT_EQ(texts.code, 0) << texts.err;
  EXPECT_THAT(texts.out, HasSubstr("token_type_ids NxL -> logits Nx3"));
  EXPECT_THAT(braid("graph bert_tiny").out, HasSubstr("last_hidden_state NxLx128"));
  EXPECT_EQ(
      braid("export --checkpoint bert_tiny --init 0 --with-preprocessing --output b.onnx").code,
      64);
}

TEST_F(ExportVerb, WritesModelsThatWriteTextsAsSeveralFiles) {
  const auto two = braid("export --checkpoint lightconv_tiny --init 0 --output pair --format json");
  ASSERT_EQ(two.code, 0) << two.err;
  const Json json = Json::parse(two.out);
  EXPECT_EQ(json.at(0).at("bytes"), std::filesystem::file_size(path("pair/encoder_model.onnx")));
  EXPECT_EQ(json.at(1).at("bytes"), std::filesystem::file_size(path("pair/decoder_model.onnx")));
  ASSERT_EQ(json.size(), 3u);
  EXPECT_EQ(json.at(2).at("bytes"),
            std::filesystem::file_size(path("pair/decoder_with_past_model.onnx")));
  EXPECT_THAT(json.at(1).at("output"), ::testing::StartsWith("logits NxLx32000, present.{0.."));
  EXPECT_THAT(json.at(2).at("output"), ::testing::StartsWith("logits Nx1x32000, present.{0.."));
  const auto file = braid("export --checkpoint lightconv_tiny --init 0 --output b.onnx");
  EXPECT_EQ(file.code, 64);
  EXPECT_THAT(file.err, HasSubstr("b/encoder_model.onnx and b/decoder_model.onnx"));
  EXPECT_EQ(braid("export --checkpoint lightconv_tiny --init 0 --num-classes 3 --output pair").code,
            64);
  const auto table = braid("graph lightconv_tiny");
  EXPECT_THAT(table.out, HasSubstr("lightconv_tiny, encoder: input_ids NxL"));
  EXPECT_THAT(table.out,
              HasSubstr("lightconv_tiny, decoder: input_ids NxL, encoder_hidden_states"));
}

TEST_F(ExportVerb, RefusesWhatMakesNoSense) {
  const auto bare = braid("export --checkpoint resnet20 --output a.onnx");
  EXPECT_EQ(bare.code, 64);
  EXPECT_THAT(bare.err, HasSubstr("--init"));
  EXPECT_EQ(braid("export --checkpoint resnet20 --init 0 --output a.pt").code, 64);
  EXPECT_EQ(braid("export --checkpoint resnet20 --init 0 --output a.onnx --opset 11").code, 64);
  ASSERT_EQ(braid("forward resnet20 --init 0 --save-weights saved/").code, 0);
  EXPECT_EQ(braid("export --checkpoint saved --init 0 --output a.onnx").code, 64);
  EXPECT_EQ(braid("export --checkpoint saved --img-size 64 --output a.onnx").code, 64);
  EXPECT_EQ(braid("export --checkpoint saved --output missing/folder/a.onnx").code, 74);
  EXPECT_FALSE(std::filesystem::exists(path("a.onnx")));
}

}  // namespace
}  // namespace braid::test
