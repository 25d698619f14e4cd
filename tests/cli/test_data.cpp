// What users' folders and images look like: class orders old and new, splits, pictures that cannot
// be read, and the many ways to name images to predict.
#include <gmock/gmock.h>

#include "braid/core/config.h"
#include "tests/cli/program.h"

namespace braid::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class DataProgram : public ProgramTest {
 protected:
  // Five classes that differ in brightness; the order of their names' bytes is another than timm's.
  void write_five_classes(const std::string& folder) const {
    const std::vector<std::string> names = {"1", "2", "10", "Zebra", "ant"};
    for (int c = 0; c < 5; ++c)
      for (int i = 0; i < 6; ++i) {
        io::Image image{.height = 8, .width = 8, .channels = 1, .pixels = {}};
        for (int k = 0; k < 64; ++k)
          image.pixels.push_back(static_cast<uint8_t>(20 + 50 * c + (7 * i + 3 * k) % 8));
        const auto png = io::encode_png(image);
        write(folder + (i < 5 ? "/train/" : "/test/") + names[static_cast<size_t>(c)] + "/" +
                  std::to_string(i) + ".png",
              {png.begin(), png.end()});
      }
  }
  void take_checkpoint(const std::string& version, const std::string& to) const {
    fs::create_directories(path(to).parent_path());
    fs::copy(fs::path(BRAID_TEST_SOURCE_DIR) / "cli/fixtures/byte_class_order" / version, path(to));
  }
  Json eval(const std::string& arguments) const {
    const auto result = braid("eval --format json --checkpoint " + arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    return Json::parse(result.out);
  }
  static constexpr const char* kFiveClasses =
      "train --model 'braidnet:stem=conv3x3s2,4|X1x8s1' --data data --batch-size 5 --threads 1 "
      "--recipe none --opt adamw --weight-decay 0 --sched constant --checkpoint-hist 0 --no-aug "
      "--val-fraction 0.2 --workers 0 --dtype float32";
};

// The fixtures are last/ of runs of 160 steps on these classes by programs that had them in the
// order of their bytes; the losses are what those programs found, after resuming to 240 too.
TEST_F(DataProgram, OldCheckpointsKeepTheirClassOrder) {
  write_five_classes("data");
  for (const char* version : {"state_v1", "state_v2"}) {
    take_checkpoint(version, version);
    const auto test = eval(std::string(version) + " --data data --split test");
    EXPECT_EQ(test.at("classes"), Json({"1", "10", "2", "Zebra", "ant"}));
    EXPECT_EQ(test.at("top1"), 100.0);
    EXPECT_NEAR(test.at("loss").get<double>(), 0.0330605, 1e-4);
    EXPECT_NEAR(eval(std::string(version) + " --data data --split val").at("loss").get<double>(),
                0.0342363, 1e-4)
        << "the images that it was validated with";
  }
}

TEST_F(DataProgram, OldRunsResumeWithTheirClassOrder) {
  write_five_classes("data");
  for (const std::string version : {"state_v1", "state_v2"}) {
    take_checkpoint(version, version + "/last");
    const auto resumed = braid(std::string(kFiveClasses) +
                               " --lr 0.02 --resume --max-steps 240 --output " + version);
    ASSERT_EQ(resumed.code, 0) << resumed.err;
    const auto test = eval(version + "/last --data data --split test");
    EXPECT_EQ(test.at("classes"), Json({"1", "10", "2", "Zebra", "ant"}));
    EXPECT_NEAR(test.at("loss").get<double>(), 0.0264578, 1e-4);
    EXPECT_NEAR(eval(version + "/last --data data --split val").at("loss").get<double>(), 0.0259023,
                1e-4);
  }
}

TEST_F(DataProgram, NewRunsAreInTimmsOrder) {
  write_five_classes("data");
  ASSERT_EQ(braid(std::string(kFiveClasses) + " --lr 0.02 --output run --epochs 1").code, 0);
  const auto report = eval("run --data data --split test");
  EXPECT_EQ(report.at("classes"), Json({"1", "2", "10", "ant", "Zebra"}));
  // A checkpoint without names, as timm writes them, means that order too.
  const Json card = Json::parse(text("run/model_best/config.json"));
  Json nameless = card;
  nameless.erase("label_names");
  write("run/model_best/config.json", nameless.dump());
  EXPECT_EQ(eval("run/model_best --data data --split test").at("confusion"),
            report.at("confusion"));
}

TEST_F(DataProgram, OtherOrdersOfATeacherAndOfWeightsAreMappedByName) {
  write_five_classes("data");
  take_checkpoint("state_v2", "old");
  const std::string train = kFiveClasses;
  ASSERT_EQ(braid(train + " --output tuned --epochs 1 --lr 1e-12 --weights old").code, 0);
  const auto tuned = eval("tuned --data data --split test");
  EXPECT_EQ(tuned.at("classes"), Json({"1", "2", "10", "ant", "Zebra"}));
  EXPECT_EQ(tuned.at("top1"), 100.0) << "the classifier went along";
  const auto taught = braid(
      train + " --lr 0.02 --output taught --max-steps 160 --teacher old --distillation-alpha 1");
  ASSERT_EQ(taught.code, 0) << taught.err;
  EXPECT_EQ(eval("taught --data data --split test").at("top1"), 100.0);
}

TEST_F(DataProgram, WhatIsLeftOutIsSaidAndKept) {
  write_images("data");
  write("data/train/left/.ipynb_checkpoints/0.png", png(0, 1));
  write("data/train/left/notes.txt", "");
  write("data/raw/0.png", png(0, 1));
  const auto result = train();
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("Left out of data: the folder raw; train: 1 file of another "
                                    "kind (.txt), 1 hidden file or folder."));
  const Json kept = Json::parse(text("run/results.json")).at("data");
  EXPECT_EQ(kept.at("left_out").at(1).at("hidden"), 1);
  EXPECT_EQ(kept.at("test"), 12);
  const auto info = braid("data info data");
  EXPECT_THAT(info.out, AllOf(HasSubstr("Left out of train: 1 file"), HasSubstr("raw")));
  EXPECT_EQ(Json::parse(braid("data info data --format json").out).at("left_out").size(), 2u);
}

TEST_F(DataProgram, AClassMayBeMissingFromASplit) {
  write_images("data");
  fs::remove_all(path("data/test/left"));
  ASSERT_EQ(train().code, 0);
  EXPECT_EQ(eval("run --data data --split test").at("confusion").at(0), Json({0, 0}));
  write("data/test/middle/0.png", png(0, 1));
  const auto result = braid("eval --checkpoint run --data data");
  EXPECT_EQ(result.code, 65);
  EXPECT_THAT(result.err, AllOf(HasSubstr("'middle'"), HasSubstr("test")));
}

TEST_F(DataProgram, BadImagesInValAreCountedAndAllBadIsAnError) {
  write_images("data");
  write("data/val/left/0.png", png(0, 50));
  const std::string whole = png(1, 51);
  write("data/val/right/cut.png", whole.substr(0, whole.size() / 2));
  const auto skipped = train("--on-bad-sample skip");
  ASSERT_EQ(skipped.code, 0) << skipped.err;
  EXPECT_THAT(skipped.out, HasSubstr("1 of val"));
  EXPECT_EQ(Json::parse(text("run/results.json")).at("val_bad_samples"), 1);
  fs::remove_all(path("run"));
  write("data/val/left/0.png", "no image");
  const auto none = train("--on-bad-sample skip");
  EXPECT_EQ(none.code, 65);
  EXPECT_THAT(none.err, AllOf(HasSubstr("none of the 2"), HasSubstr("val")));
  EXPECT_THAT(none.err + none.out, Not(HasSubstr("nan")));
  fs::remove_all(path("run"));
  const auto early = train();
  EXPECT_EQ(early.code, 65) << "found before the first epoch";
  EXPECT_THAT(early.err, AllOf(HasSubstr("val/left/0.png"), Not(HasSubstr("epoch"))));
}

TEST_F(DataProgram, ALargeImageIsReadWithTheFlag) {
  write_images("data");
  ASSERT_EQ(train().code, 0);
  const std::string few = " --max-image-pixels 255";
  for (const std::string command :
       {"predict --checkpoint run data/test/left/0.png", "eval --checkpoint run --data data"}) {
    EXPECT_EQ(braid(command).code, 0) << command;
    const auto refused = braid(command + few);
    EXPECT_EQ(refused.code, 65) << command;
    EXPECT_THAT(refused.err, AllOf(HasSubstr("16x16"), HasSubstr("--max-image-pixels")));
  }
  EXPECT_EQ(braid("data check data" + few).code, 65);
  fs::remove_all(path("run"));
  EXPECT_EQ(train(few).code, 65);
  EXPECT_EQ(braid("data check data --max-image-pixels 0").code, 64);
}

TEST_F(DataProgram, CheckSaysWhatIsWrong) {
  write_images("data");
  const auto good = braid("data check data");
  EXPECT_EQ(good.code, 0) << good.err;
  EXPECT_THAT(good.out, HasSubstr("Every image can be read."));
  write("data/train/left/broken.png", "no image");
  write("data/test/right/copy.png", png(0, 3));
  const auto bad = braid("data check data");
  EXPECT_EQ(bad.code, 65);
  EXPECT_THAT(bad.out, AllOf(HasSubstr("broken.png"), HasSubstr("copy.png")));
  EXPECT_THAT(bad.err, HasSubstr("1 image cannot be read"));
  const auto json = braid("data check data --format json --workers 1");
  EXPECT_EQ(json.code, 65);
  const Json report = Json::parse(json.out);
  EXPECT_THAT(report.at("unreadable").at(0).at("file").get<std::string>(), HasSubstr("broken"));
  EXPECT_EQ(report.at("across_splits").at(0).at("splits"), Json({"train", "test"}));
}

TEST_F(DataProgram, PredictTakesFoldersPipesAndLists) {
  write_images("data");
  ASSERT_EQ(train().code, 0);
  const std::string predict = "predict --checkpoint run --format jsonl ";
  const auto count = [](const std::string& out) {
    return std::count(out.begin(), out.end(), '\n');
  };
  const auto folder = braid(predict + "data/test");
  EXPECT_EQ(count(folder.out), 12) << folder.err;
  EXPECT_EQ(Json::parse(folder.out.substr(0, folder.out.find('\n'))).at("file"),
            "data/test/left/0.png");
  const std::string one = braid(predict + "data/test/left/0.png").out;
  const auto same_classes = [&](const std::string& out) {
    return Json::parse(out).at("predictions") == Json::parse(one).at("predictions");
  };
  const std::string feed = "< data/test/left/0.png";
  for (const char* name : {"- ", "/dev/stdin "}) {
    const auto piped = braid(predict + name + feed);
    EXPECT_EQ(piped.code, 0) << piped.err;
    EXPECT_TRUE(same_classes(piped.out)) << name;
  }
  const auto fifo =
      braid(predict + "pipe", "mkfifo pipe && (cat data/test/left/0.png > pipe &) &&");
  EXPECT_EQ(fifo.code, 0) << fifo.err;
  EXPECT_TRUE(same_classes(fifo.out));
  write("list.txt", "data/test/left/0.png\n\ndata/test/right\r\n");
  EXPECT_EQ(count(braid(predict + "--list list.txt").out), 7);
  EXPECT_EQ(count(braid(predict + "data/test/left/1.png --list - < list.txt").out), 8);
  EXPECT_EQ(braid(predict + "--list data").code, 74) << "a folder is no list";
  EXPECT_EQ(braid(predict + "data/test >/dev/full").code, 74);
  const auto nothing = braid("predict --checkpoint run");
  EXPECT_EQ(nothing.code, 64);
  EXPECT_THAT(nothing.err, HasSubstr("--list"));
  write("data/test/left/zz.png", "no image");
  const auto bad = braid("predict --checkpoint run --format json data/test/left");
  EXPECT_EQ(bad.code, 65);
  EXPECT_EQ(Json::parse(bad.out).size(), 6u) << "what came before is whole JSON";
  EXPECT_EQ(count(braid(predict + "data/test/left --on-bad-sample skip").out), 6);
}

}  // namespace
}  // namespace braid::test
