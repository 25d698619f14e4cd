// braid explain, as the program runs it.
#include <gmock/gmock.h>

#include "braid/core/json.h"
#include "tests/cli/program.h"

namespace braid::test {
namespace {

using ::testing::HasSubstr;

class ExplainVerb : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    write("a.png", png(0, 1, 40));
    write("b.png", png(1, 2, 24));
  }
  void save(const std::string& model) const {
    const auto saved =
        braid("forward " + model + " --init 0 --num-classes 3 --save-weights saved/");
    ASSERT_EQ(saved.code, 0) << saved.err;
  }
};

TEST_F(ExplainVerb, WritesPicturesAPageAndJson) {
  save("cct_2_3x2_32");
  const auto result = braid(
      "explain --checkpoint saved a.png b.png "
      "--method grad-cam,grad-cam++,rollout,attention,integrated-gradients,occlusion,erf "
      "--steps 4 --output why --format json");
  ASSERT_EQ(result.code, 0) << result.err;
  const Json json = Json::parse(result.out);
  EXPECT_EQ(json, Json::parse(text("why/explain.json")));
  ASSERT_EQ(json.at("images").size(), 2u);
  const auto& maps = json.at("images").at(0).at("maps");
  ASSERT_EQ(maps.size(), 7u);  // two layers of attention
  for (const auto& map : maps) {
    EXPECT_TRUE(std::filesystem::exists(path("why/" + map.at("picture").get<std::string>())));
    EXPECT_LT(map.at("peak").at(0), 32);
  }
  EXPECT_EQ(maps.at(3).at("distance").size(), 2u);  // one per head
  EXPECT_EQ(json.at("receptive_field").at("images"), 2);
  EXPECT_GT(std::filesystem::file_size(path("why/maps.safetensors")), 32u * 32 * 4);
  const auto page = text("why/index.html");
  EXPECT_THAT(page, HasSubstr("data:image/png;base64"));
  EXPECT_EQ(page.find("{{"), std::string::npos);
}

TEST_F(ExplainVerb, ExplainsAnExportedFileOfTexts) {
  std::string rows;
  for (int i = 0; i < 80; ++i)
    rows += std::string(i % 2 == 0 ? "a good film\tpos\n" : "a bad film\tneg\n");
  write("reviews.tsv", rows);
  ASSERT_EQ(braid("train --model textcnn_small --data reviews.tsv --batch-size 8 --epochs 10 "
                  "--threads 1 --output run")
                .code,
            0);
  ASSERT_EQ(braid("export --checkpoint run --output reviews.onnx").code, 0);
  const std::string verb = "explain --checkpoint reviews.onnx \"a good film\" --output ";
  const auto result = braid(verb + "why --format json");
  ASSERT_EQ(result.code, 0) << result.err;
  const Json text = Json::parse(result.out).at("texts").at(0);
  EXPECT_EQ(text.at("method"), "occlusion");
  EXPECT_EQ(text.at("target"), "pos");
  double largest = 0;
  std::string word;
  for (const auto& token : text.at("tokens"))
    if (token.at("attribution").get<double>() > largest) {
      largest = token.at("attribution");
      word = token.at("token");
    }
  EXPECT_THAT(word, HasSubstr("good"));
  // The checkpoint by the same method says the same.
  const auto same = braid(
      "explain --checkpoint run \"a good film\" --method occlusion --output why2 --format json");
  ASSERT_EQ(same.code, 0) << same.err;
  const Json of_checkpoint = Json::parse(same.out).at("texts").at(0);
  for (size_t i = 0; i < text.at("tokens").size(); ++i)
    EXPECT_NEAR(of_checkpoint.at("tokens").at(i).at("attribution").get<double>(),
                text.at("tokens").at(i).at("attribution").get<double>(), 1e-3);
  EXPECT_EQ(braid(verb + "x --method integrated-gradients").code, 64);
  EXPECT_EQ(braid(verb + "x --check").code, 64);
  EXPECT_EQ(braid(verb + "x --device cuda").code, 64);
  EXPECT_EQ(braid("explain --checkpoint missing.onnx text --output x").code, 74);
}

TEST_F(ExplainVerb, ExplainsAnExportedFileOfImages) {
  save("resnet20");
  ASSERT_EQ(braid("export --checkpoint saved --output images.onnx").code, 0);
  const std::string method = " a.png b.png --target 1 --method occlusion --format json --output ";
  const auto result = braid("explain --checkpoint images.onnx" + method + "why");
  ASSERT_EQ(result.code, 0) << result.err;
  const Json json = Json::parse(result.out);
  EXPECT_EQ(json, Json::parse(text("why/explain.json")));
  EXPECT_EQ(json.at("model"), "resnet20");
  // The checkpoint by the same method says the same.
  const auto same = braid("explain --checkpoint saved" + method + "why2");
  ASSERT_EQ(same.code, 0) << same.err;
  const Json of_checkpoint = Json::parse(same.out);
  ASSERT_EQ(json.at("images").size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    const auto &file = json.at("images").at(i), &checkpoint = of_checkpoint.at("images").at(i);
    EXPECT_EQ(file.at("index"), 1);
    EXPECT_EQ(file.at("predicted"), checkpoint.at("predicted"));
    EXPECT_NEAR(file.at("probability").get<double>(), checkpoint.at("probability").get<double>(),
                1e-4);
    ASSERT_EQ(file.at("maps").size(), 1u);
    EXPECT_EQ(file.at("maps").at(0).at("peak"), checkpoint.at("maps").at(0).at("peak"));
  }
  EXPECT_EQ(braid("explain --checkpoint images.onnx a.png --method grad-cam --output x").code, 64);
  EXPECT_EQ(braid("explain --checkpoint images.onnx a.png --target 3 --output x").code, 64);
  ASSERT_EQ(braid("export --checkpoint saved --with-preprocessing --output whole.onnx").code, 0);
  const auto whole = braid("explain --checkpoint whole.onnx a.png --output x");
  EXPECT_EQ(whole.code, 65);
  EXPECT_THAT(whole.err, HasSubstr("without --with-preprocessing"));
}

TEST_F(ExplainVerb, PrintsATableAndTakesTargetAndLayer) {
  save("resnet20");
  const auto result =
      braid("explain --checkpoint saved a.png --target 2 --layer layer2 --output why");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("a.png: 2 "));
  EXPECT_THAT(result.out, HasSubstr("layer2."));
  EXPECT_THAT(result.out, HasSubstr("why/index.html"));
}

TEST_F(ExplainVerb, ChecksMethods) {
  save("resnet20");
  const auto result = braid(
      "explain --checkpoint saved a.png b.png --method grad-cam,integrated-gradients --steps 4 "
      "--check --output why --format json");
  ASSERT_EQ(result.code, 0) << result.err;
  const Json check = Json::parse(result.out).at("check");
  ASSERT_EQ(check.size(), 2u);
  EXPECT_EQ(check.at(0).at("images"), 2);
  EXPECT_EQ(check.at(0).at("cascade").size(), 5u);
  EXPECT_FALSE(check.at(0).at("verdict").get<std::string>().empty());
}

TEST_F(ExplainVerb, RefusesWhatMakesNoSense) {
  save("resnet20");
  const auto refuse = [&](const std::string& arguments, int code, const char* word) {
    const auto result = braid("explain --checkpoint saved --output why " + arguments);
    EXPECT_EQ(result.code, code) << arguments << result.err;
    EXPECT_THAT(result.err, HasSubstr(word));
  };
  refuse("a.png --method gradcam", 64, "grad-cam");
  refuse("a.png --target 3", 64, "below 3");
  refuse("a.png --target cat", 64, "--target");
  refuse("a.png --layer layer9", 64, "layer");
  refuse("a.png --layer fc", 64, "grid");
  refuse("a.png --method rollout", 65, "attention");
  refuse("a.png --method attention", 65, "attention");
  refuse("a.png --steps 0", 64, "steps");
  refuse("missing.png", 74, "missing.png");
  refuse("", 64, "inputs");
  EXPECT_EQ(braid("explain --checkpoint saved a.png").code, 64);
  EXPECT_EQ(braid("explain --checkpoint nowhere a.png --output why").code, 74);
}

}  // namespace
}  // namespace braid::test
