// Image classification as compare() sees it.
#include <gmock/gmock.h>

#include "braid/core/error.h"
#include "braid/evaluate/image/image_workload.h"
#include "braid/evaluate/make_workload.h"
#include "braid/evaluate/run_settings.h"
#include "braid/models/macs.h"
#include "braid/models/registry.h"
#include "braid/models/vision/cost.h"
#include "braid/tasks/image_classification.h"
#include "tests/evaluate/image_folder.h"

namespace braid::evaluate {
namespace {

using ::testing::HasSubstr;

class ImageWorkloadTest : public ImageFolderTest {
 protected:
  void SetUp() override {
    ImageFolderTest::SetUp();
    for (uint32_t i = 0; i < 10; ++i)
      for (const std::string name : {"left", "right"})
        write_image("train/" + name + "/" + std::to_string(i) + ".png", 2 * i + (name == "left"));
  }
  CompareConfig config(std::vector<std::string> models = {"resnet20"}) const {
    CompareConfig config;
    config.latency_seconds = 0.05;
    config.data = folder_.string();
    config.models = std::move(models);
    return config;
  }
  Progress progress_;
};

TEST_F(ImageWorkloadTest, SaysWhichSplitTheScoresAreOf) {
  EXPECT_EQ(ImageWorkload(config(), progress_).data().test_split, "val");
  write_image("test/left/0.png", 77);
  write_image("test/right/0.png", 78);
  const ImageWorkload workload(config(), progress_);
  EXPECT_EQ(workload.data().test_split, "test");
  EXPECT_EQ(workload.data().test, 2);
  EXPECT_EQ(workload.data().items, "images");
}

TEST_F(ImageWorkloadTest, RefusesModelsThatAreUnknownOrNamedTwice) {
  EXPECT_THROW(ImageWorkload(config({"resnet21"}), progress_), UsageError);
  try {
    const ImageWorkload workload(config({"resnet20", "resnet20.tag"}), progress_);
    FAIL() << "expected UsageError";
  } catch (const UsageError& e) {
    EXPECT_THAT(e.what(), HasSubstr("named twice"));
  }
}

TEST_F(ImageWorkloadTest, SettingsOfTextsAreRefused) {
  auto of_texts = config();
  of_texts.max_length = 64;
  try {
    make_workload(of_texts, progress_);
    FAIL() << "expected UsageError";
  } catch (const UsageError& e) {
    EXPECT_THAT(e.what(), HasSubstr("--max-length"));
  }
  of_texts.data = "nowhere";
  EXPECT_THROW(make_workload(of_texts, progress_), IoError) << "that comes first";
}

TEST_F(ImageWorkloadTest, EveryProbeCanBeSkippedByItsName) {
  for (const auto& probe : ImageWorkload(config(), progress_).probes(progress_))
    EXPECT_THAT(skippable_parts(), testing::Contains(probe->name()));
}

TEST_F(ImageWorkloadTest, CountsTheFormThatIsShipped) {
  auto small = config({"fastvit_t8"});
  small.img_size = 64;
  const auto profile = ImageWorkload(small, progress_).profile("fastvit_t8");
  const auto model = models::create_model<models::ImageModel>(
      "fastvit_t8", {{"num_classes", 2}, {"in_chans", 1}, {"img_size", 64}});
  const int64_t trained = models::count_macs(*model, {1, 1, 64, 64});
  const int64_t before = models::count_parameters(*model);
  model->eval();
  model->reparameterize();
  EXPECT_EQ(profile.train_macs, trained);
  EXPECT_EQ(profile.macs, models::count_macs(*model, {1, 1, 64, 64}));
  EXPECT_EQ(profile.params, models::count_parameters(*model));
  EXPECT_LT(profile.macs, profile.train_macs);
  EXPECT_LT(profile.params, before);
  EXPECT_EQ(profile.taxonomy.family, "hybrid");
  EXPECT_EQ(profile.input_size, (std::vector<int64_t>{1, 64, 64}));
}

TEST_F(ImageWorkloadTest, SaysThatClassesAreUnbalancedAndWeighsThem) {
  class Lines final : public Progress {
   public:
    void line(const std::string& text) override { all += text + "\n"; }
    std::string all;
  } lines;
  for (uint32_t i = 10; i < 110; ++i)
    write_image("train/left/" + std::to_string(i) + ".png", 2 * i);
  auto balanced = config();
  balanced.class_weights = "balanced";
  const ImageWorkload workload(balanced, lines);
  EXPECT_THAT(lines.all, HasSubstr("The classes are unbalanced: 'right' has 9 training items"));
  const evaluate::Run run{.model = "resnet20"};
  EXPECT_EQ(task_config_of(run, workload.recipe(run), balanced).class_weights, "balanced");
  EXPECT_EQ(task_config_of(run, workload.recipe(run), balanced).sampler, "random");
  balanced.data = "photos";
  EXPECT_NO_THROW(validate(balanced));
  balanced.sampler = "balanced";
  EXPECT_THROW(validate(balanced), ConfigError) << "balanced twice";
  balanced.class_weights = "none";
  EXPECT_NO_THROW(validate(balanced));
  EXPECT_EQ(task_config_of(run, workload.recipe(run), balanced).sampler, "balanced");
}

TEST_F(ImageWorkloadTest, MeasuresWhatOneImageTakes) {
  EXPECT_GT(ImageWorkload(config(), progress_).profile("resnet20").latency_ms, 0);
}

TEST_F(ImageWorkloadTest, DecodesTheDataOnceForItsStatistics) {
  const ImageWorkload workload(config(), progress_);
  const auto mean = [&](const std::string& model, double fraction) {
    const auto task =
        workload.make_task({.model = model, .seed = 0, .fraction = fraction}, {}, progress_);
    return dynamic_cast<tasks::ImageClassification&>(*task).card().input.mean;
  };
  const auto first = mean("resnet20", 1);
  const auto part = mean("resnet20", 0.3);
  EXPECT_NE(first, part);
  // Whoever decodes again finds two images, of which val has one at most.
  for (uint32_t i = 0; i < 10; ++i) {
    if (i > 1) write("train/left/" + std::to_string(i) + ".png", "gone");
    write("train/right/" + std::to_string(i) + ".png", "gone");
  }
  EXPECT_EQ(mean("vit_lite_2_4_32", 1), first);
  EXPECT_EQ(mean("vit_lite_2_4_32", 0.3), part);
  EXPECT_EQ(workload.training_items({.model = "resnet20"}), 18);
}

}  // namespace
}  // namespace braid::evaluate
