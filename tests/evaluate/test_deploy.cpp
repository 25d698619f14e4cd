// Models as they ship: exported, quantized, run by engines without LibTorch.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "braid/core/error.h"
#include "braid/evaluate/deploy/open_engine.h"
#include "braid/evaluate/deploy_target.h"
#include "braid/evaluate/image/deploy_images.h"
#include "braid/evaluate/text/deploy_texts.h"
#include "braid/export/export_image_model.h"
#include "braid/io/atomic_file.h"
#include "braid/models/registry.h"
#include "braid/models/text/text_checkpoint.h"
#include "braid/serve/openvino/openvino_engine.h"
#include "braid/serve/torch/torch_tensor.h"
#include "braid/tasks/inference.h"
#include "braid/tasks/metrics/classifier_report.h"
#include "braid/tasks/text/text_classifier.h"
#include "tests/evaluate/ramps.h"

namespace braid::evaluate {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Deploy : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(testing::TempDir()) / (std::string("braid_deploy_") + info->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  static models::LoadedModel loaded(const std::string& name) {
    models::LoadedModel loaded;
    loaded.model = models::create_model<models::ImageModel>(
        name, {{"num_classes", 4}, {"in_chans", 1}, {"img_size", 32}}, 1);
    loaded.model->eval();
    loaded.hub = models::make_image_hub_config(name, *loaded.model);
    return loaded;
  }
  static ImageDeployment ramps() {
    const auto images = std::make_shared<test::Ramps>();
    return {
        .splits = {.train = images, .val = images, .test = images, .left_out = {}, .remarks = {}},
        .test = images,
        .data = "ramps",
        .options = {.workers = 0, .dtype = "float32"},
        .latency_seconds = 0.05};
  }
  // What LibTorch makes of them.
  static double top1_of(models::LoadedModel& model) {
    const torch::NoGradGuard no_grad;
    Progress progress;
    const auto images = std::make_shared<test::Ramps>();
    const auto all = tasks::run_model(*model.model, images, model.hub.input,
                                      {.workers = 0, .dtype = "float32"}, progress);
    return tasks::measure_classifier(all.logits.softmax(1), all.labels).scores().at(0).value;
  }

  fs::path folder_;
  Progress progress_;
};

TEST_F(Deploy, BraidRunIsAnEngineThatAnswersAsLibTorchDoes) {
  for (const char* name : {"resnet20", "vit_lite_2_4_32", "cct_2_3x2_32"}) {
    auto model = loaded(name);
    const auto file = folder_ / "model.onnx";
    onnx::export_image_model(model, file);
    const auto engine = open_engine(deploy_target("braid-run"), file, 1);
    ASSERT_EQ(engine->inputs().size(), 1u);
    EXPECT_EQ(engine->inputs()[0].name, "pixel_values");
    EXPECT_EQ(engine->inputs()[0].shape, (std::vector<int64_t>{-1, 1, 32, 32}));
    ASSERT_EQ(engine->outputs().size(), 1u);
    for (const int64_t batch : {1, 2, 7}) {
      const torch::NoGradGuard no_grad;
      const auto images = torch::randn({batch, 1, 32, 32});
      const auto answers = engine->infer({serve::from_torch("pixel_values", images)});
      const auto expected = model.model->forward(images);
      const auto got = serve::to_torch(answers.at(0));
      EXPECT_EQ(got.sizes(), expected.sizes());
      EXPECT_LT((got - expected).abs().max().item<double>(), 1e-4) << name << ", batch " << batch;
    }
  }
}

TEST_F(Deploy, AFloatFileScoresAsTheModelDoes) {
  auto model = loaded("cct_2_3x2_32");
  const auto file = folder_ / "model.onnx";
  const auto deployed = deploy_images(model, deploy_target("braid-run"), ramps(), file, progress_);
  EXPECT_EQ(deployed.engine, "braid-run");
  EXPECT_EQ(deployed.file, file.string());
  EXPECT_EQ(deployed.bytes, static_cast<int64_t>(fs::file_size(file)));
  EXPECT_EQ(deployed.float_bytes, deployed.bytes);
  ASSERT_EQ(deployed.scores.size(), 4u);
  EXPECT_EQ(deployed.scores[0].name, "top1");
  EXPECT_DOUBLE_EQ(deployed.scores[0].value, top1_of(model));
  EXPECT_TRUE(deployed.scores[0].low);
  EXPECT_GT(*deployed.latency_ms_p50, 0);
  EXPECT_GE(*deployed.latency_ms_p95, *deployed.latency_ms_p50);
  EXPECT_GT(*deployed.throughput_items_per_s, 0);
  EXPECT_FALSE(deployed.weight_bits);
}

TEST_F(Deploy, AnInt8FileIsQuantizedOnTheTrainingImages) {
  auto model = loaded("resnet20");
  const auto file = folder_ / "model.int8.onnx";
  const auto deployed =
      deploy_images(model, deploy_target("braid-run-int8"), ramps(), file, progress_);
  EXPECT_EQ(deployed.bytes, static_cast<int64_t>(fs::file_size(file)));
  EXPECT_GT(*deployed.float_bytes, *deployed.bytes);
  EXPECT_THAT(*deployed.weight_bits, testing::AnyOf(7, 8));
  EXPECT_GT(*deployed.operators, *deployed.operators_in_float);
  EXPECT_EQ(deployed.scores.at(0).name, "top1");
}

// Texts of words 5 to 59; those of the second class have more of the higher ones.
class WordTexts final : public data::TextDataset {
 public:
  int64_t size() const override { return 60; }
  data::TextExample get(int64_t i) const override {
    std::string text;
    for (int64_t k = 0; k < 2 + i % 9; ++k)
      text += "w" + std::to_string(5 + (i * 13 + k * 7) % 27 + 27 * label(i)) + " ";
    return {.text = text, .pair = {}, .label = label(i)};
  }
  int64_t label(int64_t i) const override { return i % 2; }
  std::string describe(int64_t i) const override { return std::to_string(i); }
  const std::vector<std::string>& classes() const override { return classes_; }

 private:
  std::vector<std::string> classes_ = {"low", "high"};
};

TEST_F(Deploy, TextsShipInEightBits) {
  models::LoadedTextEncoder loaded;
  loaded.model = models::create_model<models::TextEncoder>("bert_tiny",
                                                           {{"head", "sequence_classification"},
                                                            {"num_labels", 2},
                                                            {"vocab_size", 60},
                                                            {"hidden_size", 32},
                                                            {"num_attention_heads", 2},
                                                            {"intermediate_size", 64}},
                                                           1);
  loaded.hub = models::make_hub_config("bert_tiny", *loaded.model);
  loaded.hub.classes = {"low", "high"};
  models::save_text_model(*loaded.model, loaded.hub, folder_ / "run");
  std::string vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
  for (int i = 5; i < 60; ++i) vocabulary += "w" + std::to_string(i) + "\n";
  io::write_file_atomic(folder_ / "run" / "vocab.txt", vocabulary);
  const auto classifier = tasks::load_text_classifier(folder_ / "run");
  const auto texts = std::make_shared<WordTexts>();
  TextDeployment deployment{.splits = {},
                            .test = texts,
                            .data = "words",
                            .options = {.workers = 0, .dtype = "float32"},
                            .latency_seconds = 0.05};
  deployment.splits.train = deployment.splits.val = deployment.splits.test = texts;
  const auto in_float = deploy_texts(classifier, folder_ / "run", deploy_target("braid-run"),
                                     deployment, folder_ / "model.onnx", progress_);
  const auto file = folder_ / "model.int8.onnx";
  const auto int8 = deploy_texts(classifier, folder_ / "run", deploy_target("braid-run-int8"),
                                 deployment, file, progress_);
  EXPECT_EQ(int8.bytes, static_cast<int64_t>(fs::file_size(file)));
  EXPECT_EQ(int8.float_bytes, in_float.bytes);
  EXPECT_LT(*int8.bytes, *int8.float_bytes);
  EXPECT_THAT(*int8.weight_bits, testing::AnyOf(7, 8));
  EXPECT_GT(*int8.operators, *int8.operators_in_float);
  EXPECT_NEAR(int8.scores.at(0).value, in_float.scores.at(0).value, 3.4) << "two of 60 texts";
  EXPECT_GT(*int8.throughput_items_per_s, 0);
}

TEST_F(Deploy, SeveralFilesShipAsAFolder) {
  const auto pair = folder_ / "pair", to = folder_ / "to";
  fs::create_directories(pair);
  fs::create_directories(to);
  io::write_file_atomic(pair / "a.onnx", "abc");
  io::write_file_atomic(pair / "b.onnx", "de");
  EXPECT_EQ(shipped_bytes(pair), 5);
  EXPECT_EQ(shipped_bytes(pair / "a.onnx"), 3);
  EXPECT_EQ(shipped_bytes(folder_ / "missing"), 0);
  copy_shipped(pair, to);
  copy_shipped(pair / "b.onnx", to);
  EXPECT_EQ(shipped_bytes(to / "pair"), 5);
  EXPECT_EQ(shipped_bytes(to / "b.onnx"), 2);
  EXPECT_THROW(copy_shipped(folder_ / "missing", to), IoError);
}

TEST_F(Deploy, SaysWhatBringsAnEngineThatIsNotThere) {
  EXPECT_NO_THROW(check_engine(deploy_target("braid-run-int8")));
  if (serve::openvino_missing().empty()) GTEST_SKIP() << "OpenVINO is there";
  try {
    check_engine(deploy_target("openvino"));
    FAIL() << "expected ConfigError";
  } catch (const ConfigError& e) {
    EXPECT_THAT(e.what(), HasSubstr("make openvino"));
  }
}

TEST_F(Deploy, OpenVinoAnswersAsLibTorchDoes) {
  if (const auto why = serve::openvino_missing(); !why.empty()) GTEST_SKIP() << why;
  auto model = loaded("cct_2_3x2_32");
  const auto deployed =
      deploy_images(model, deploy_target("openvino"), ramps(), folder_ / "model.onnx", progress_);
  EXPECT_DOUBLE_EQ(deployed.scores.at(0).value, top1_of(model));
  const auto int8 = deploy_images(model, deploy_target("openvino-int8"), ramps(),
                                  folder_ / "model.int8.onnx", progress_);
  EXPECT_LT(*int8.bytes, *int8.float_bytes);
}

}  // namespace
}  // namespace braid::evaluate
