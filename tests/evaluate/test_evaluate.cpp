// A checkpoint on a folder of images whose classes have their own order and names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "braid/core/error.h"
#include "braid/evaluate/evaluate.h"
#include "braid/evaluate/image/evaluate_images.h"
#include "braid/models/registry.h"
#include "tests/evaluate/image_folder.h"

namespace braid::evaluate {
namespace {

using ::testing::HasSubstr;

class EvaluateCheckpoint : public ImageFolderTest {
 protected:
  void SetUp() override {
    ImageFolderTest::SetUp();
    for (const std::string split : {"train", "test"}) {
      write_image(split + "/left/0.png", 0);
      write_image(split + "/left/1.png", 1);
      write_image(split + "/right/0.png", 2);
    }
  }

  // A model of `count` classes that always answers `answer`.
  models::LoadedModel checkpoint(std::vector<std::string> classes, int64_t count, int64_t answer) {
    models::LoadedModel loaded;
    loaded.model = models::create_model<models::ImageModel>(
        "resnet20", {{"num_classes", count}, {"in_chans", 1}, {"img_size", 16}});
    loaded.model->eval();
    const torch::NoGradGuard no_grad;
    for (auto& p : loaded.model->named_parameters())
      if (p.key() == "fc.bias") p.value()[answer] = 1e4;
    loaded.hub.classes = std::move(classes);
    loaded.hub.input.channels = 1;
    loaded.hub.input.height = loaded.hub.input.width = 16;
    loaded.hub.input.mean = loaded.hub.input.std = {0.5};
    return loaded;
  }
  // A run's folder whose best model knows "left" and "right", and answers the former.
  std::filesystem::path save_run() {
    namespace fs = std::filesystem;
    auto loaded = checkpoint({"left", "right"}, 2, 0);
    loaded.hub.architecture = "resnet20";
    loaded.hub.model_args = loaded.model->config();
    const fs::path run = folder_.string() + "_run";
    fs::remove_all(run);
    fs::create_directories(run / "model_best");
    models::save_model(*loaded.model, loaded.hub, run / "model_best");
    return run;
  }
  Evaluation evaluate(models::LoadedModel loaded, const std::string& split = "test") {
    Progress progress;
    return evaluate_images(
        loaded, {.data = folder_.string(), .split = split, .options = {.workers = 0}}, progress);
  }
};

TEST_F(EvaluateCheckpoint, MatchesClassesByName) {
  // The checkpoint's second class is the data's first, and it knows one more.
  const auto report = evaluate(checkpoint({"right", "left", "up"}, 3, 1));
  EXPECT_NEAR(report.classifier->top1, 200.0 / 3, 1e-9);
  EXPECT_EQ(tasks::rows_of(report.classifier->confusion),
            (std::vector<std::vector<int64_t>>{{0, 1, 0}, {0, 2, 0}, {0, 0, 0}}));
  EXPECT_EQ(report.classes, (std::vector<std::string>{"right", "left", "up"}));
  EXPECT_EQ(report.split, "test");
}

TEST_F(EvaluateCheckpoint, WithoutNamesTakesTheDatasOrder) {
  const auto report = evaluate(checkpoint({}, 2, 0));
  EXPECT_NEAR(report.classifier->top1, 200.0 / 3, 1e-9);
  EXPECT_EQ(report.classes, (std::vector<std::string>{"left", "right"}));
}

TEST_F(EvaluateCheckpoint, RefusesClassesThatItDoesNotKnow) {
  try {
    evaluate(checkpoint({"left", "up"}, 2, 0));
    FAIL() << "expected DataError";
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("'right'"));
  }
  EXPECT_THROW(evaluate(checkpoint({}, 3, 0)), DataError);
}

TEST_F(EvaluateCheckpoint, TakesAllSplitsTogether) {
  EXPECT_EQ(evaluate(checkpoint({}, 2, 0), "all").count, 6);
  EXPECT_EQ(evaluate(checkpoint({}, 2, 0), "auto").count, 3);
  EXPECT_THROW(evaluate(checkpoint({}, 2, 0), "tset"), UsageError);
}

TEST_F(EvaluateCheckpoint, CountsImagesThatCannotBeRead) {
  write("test/left/2.png", "no image");
  auto loaded = checkpoint({}, 2, 0);
  Progress progress;
  const auto run = [&](const std::string& on_bad_sample) {
    return evaluate_images(loaded,
                           {.data = folder_.string(),
                            .split = "test",
                            .options = {.workers = 0, .on_bad_sample = on_bad_sample}},
                           progress);
  };
  EXPECT_THROW(run("error"), DataError);
  EXPECT_EQ(run("skip").bad_samples, 1);
  EXPECT_EQ(run("skip").count, 3);
}

// Of a run that validated with half of its images another tenth would hold some that it learned.
TEST_F(EvaluateCheckpoint, ValIsThatOfTheRun) {
  namespace fs = std::filesystem;
  for (uint32_t i = 0; i < 10; ++i)
    for (const std::string side : {"left", "right"})
      write_image("train/" + side + "/" + std::to_string(i) + ".png", i);
  const fs::path run = save_run();
  fs::create_directories(run / "work");
  std::ofstream(run / "config.toml") << "val_fraction = 0.5\nlr = 0.1\n";
  const auto count = [&](const char* name, std::optional<double> asked = {}) {
    Progress progress;
    return evaluate_checkpoint(run / name,
                               {.data = folder_.string(),
                                .split = "val",
                                .val_fraction = asked,
                                .options = {.workers = 0}},
                               progress)
        .count;
  };
  EXPECT_EQ(count("model_best"), 10);
  EXPECT_EQ(count("model_best", 0.3), 6) << "what is asked for counts";
  fs::rename(run / "model_best", run / "moved");
  EXPECT_EQ(count("moved"), 2) << "no run is beside it";
  fs::rename(run / "moved", run / "winner");
  std::ofstream(run / "work" / "settings.json") << R"({"val_fraction": 0.4})";
  EXPECT_EQ(count("winner"), 8) << "of a comparison";
  std::ofstream(run / "work" / "settings.json") << R"({"val_fraction": 0.4, "folds": 3})";
  EXPECT_THROW(count("winner"), DataError) << "each fold had another val";
  fs::remove_all(run);
}

TEST_F(EvaluateCheckpoint, SaysThatItWasTrainedOnWhatItIsScoredOn) {
  namespace fs = std::filesystem;
  struct Lines : Progress {
    void line(const std::string& text) override { all += text; }
    std::string all;
  };
  const auto data = (folder_ / "train").string();  // without splits
  const fs::path run = save_run();
  const auto said = [&](const std::string& trained, const std::string& split) {
    std::ofstream(run / "config.toml") << "data = '" << trained << "'\n";
    Lines lines;
    evaluate_checkpoint(run / "model_best",
                        {.data = data, .split = split, .options = {.workers = 0}}, lines);
    return lines.all.find("trained on") != std::string::npos;
  };
  EXPECT_TRUE(said(data + "/", "auto"));
  EXPECT_FALSE(said(data, "all")) << "asked for";
  EXPECT_FALSE(said("another", "auto"));
  fs::remove_all(run);
}

}  // namespace
}  // namespace braid::evaluate
