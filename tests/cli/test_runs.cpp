// What goes wrong around a run: resumed, interrupted, diverged, started twice, used afterwards.
#include <gmock/gmock.h>

#include <regex>

#include "braid/core/config.h"
#include "tests/cli/program.h"

namespace braid::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Runs : public ProgramTest {
 protected:
  void expect_fails(const Result& r, int code, const ::testing::Matcher<std::string>& message) {
    EXPECT_EQ(r.code, code) << r.err;
    EXPECT_THAT(r.err, message);
  }
  // Every path of the run's folder that a message names is there.
  void expect_paths_exist(const std::string& message) const {
    static const std::regex kPath("run/[A-Za-z0-9_./-]*[A-Za-z0-9]");
    for (std::sregex_iterator it(message.begin(), message.end(), kPath), end; it != end; ++it)
      EXPECT_TRUE(fs::exists(path(it->str()))) << it->str() << " in: " << message;
  }
};

TEST_F(Runs, WhatIsNotFiniteIsNeitherKeptNorUsed) {
  write_images("data");
  const auto diverged = train("--lr 1e30 --warmup-epochs 0 --recipe none --opt sgd");
  expect_fails(diverged, 65, HasSubstr("not finite"));
  expect_paths_exist(diverged.out + diverged.err);
  EXPECT_FALSE(fs::exists(path("run/model_best")));
  fs::remove_all(path("run"));

  ASSERT_EQ(train().code, 0);
  std::string weights = text("run/model_best/model.safetensors");
  weights.replace(weights.size() - 4, 4, std::string("\x00\x00\xc0\x7f", 4));  // NaN
  write("run/model_best/model.safetensors", weights);
  for (const char* command :
       {"predict --checkpoint run data/test/left/0.png", "eval --checkpoint run --data data"}) {
    const auto refused = braid(command);
    expect_fails(refused, 65, AllOf(HasSubstr("not finite"), HasSubstr("model_best")));
    EXPECT_THAT(refused.out, Not(HasSubstr("nan")));
  }
  // Finite weights whose outputs are not.
  weights.replace(weights.size() - 4, 4, std::string("\xff\xff\x7f\x7f", 4));
  weights.replace(weights.size() - 8, 4, std::string("\xff\xff\x7f\x7f", 4));
  write("run/model_best/model.safetensors", weights);
  for (const char* command : {"predict --checkpoint run data/test/left/0.png --format json",
                              "eval --checkpoint run --data data --format json"}) {
    const auto result = braid(command);
    EXPECT_TRUE(result.code == 0 || result.code == 65) << result.err;
    EXPECT_THAT(result.out, Not(HasSubstr("nan")));
  }
  expect_fails(train("--output other --weights run/model_best/model.safetensors --lr 1e30"), 65,
               HasSubstr("finite"));
}

TEST_F(Runs, AResumeIsOfTheSameClassesAndData) {
  write_images("data");
  ASSERT_EQ(train("--epochs 2").code, 0);
  EXPECT_EQ(train("--epochs 3 --resume --data data/").code, 0) << "the same folder";
  EXPECT_EQ(train("--epochs 4 --resume --data " + path("data").string()).code, 0);
  for (const char* split : {"train", "test"})
    fs::rename(path("data") / split / "left", path("data") / split / "lift");
  expect_fails(train("--epochs 5 --resume"), 65, AllOf(HasSubstr("'left'"), HasSubstr("'lift'")));
  for (const char* split : {"train", "test"})
    fs::rename(path("data") / split / "lift", path("data") / split / "left");
  fs::create_directory_symlink(path("data"), path("link"));
  EXPECT_EQ(train("--epochs 5 --resume --data link").code, 0);
  fs::remove(path("link"));
  fs::rename(path("data"), path("moved"));
  expect_fails(train("--epochs 6 --resume --data moved"), 78,
               AllOf(HasSubstr("data"), HasSubstr("--moved-data")));
  EXPECT_EQ(train("--epochs 6 --resume --data moved --moved-data").code, 0);
  EXPECT_EQ(train("--epochs 7 --resume --data moved").code, 0) << "the new place is the run's";
}

TEST_F(Runs, KeepsWhatAFileSaysOfItsOrderAndItsRates) {
  write_images("data");
  write("run.toml", "sampler = \"balanced\"\nalternate_flip = true\nbias_lr_scale = 4.0\n");
  const auto begun = train("--config run.toml --epochs 3");
  ASSERT_EQ(begun.code, 0) << begun.err;
  for (const char* line : {"sampler = 'balanced'", "alternate_flip = true", "bias_lr_scale = 4"})
    EXPECT_THAT(text("run/config.toml"), HasSubstr(line));
  EXPECT_EQ(train("--epochs 4 --resume").code, 0) << "with what it began with";
  for (const char* other : {"--sampler random", "--no-alternate-flip", "--bias-lr-scale 1",
                            "--freeze-epochs 1 --freeze 1"})
    expect_fails(train(std::string("--epochs 5 --resume ") + other), 78,
                 HasSubstr("the run was started with"));
  expect_fails(train("--output other --freeze-bn-stats"), 78, HasSubstr("--pretrained"));
  expect_fails(train("--output other --sampler balanced --class-weights balanced"), 78,
               HasSubstr("leave one of them out"));
  EXPECT_FALSE(fs::exists(path("other")));
}

TEST_F(Runs, ABadImageEndsARunThatGoesOnWithoutIt) {
  write_images("data");
  for (const char* name : {"0", "2", "4", "6", "8", "10"})
    write("data/train/left/" + std::string(name) + ".png", "no image");
  const auto stopped = train("--val-fraction 0.2");
  expect_fails(stopped, 65, HasSubstr(".png"));
  expect_paths_exist(stopped.err);
  const auto resumed = train("--val-fraction 0.2 --resume --on-bad-sample skip");
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_THAT(resumed.out, HasSubstr("could not be read"));
}

TEST_F(Runs, AnInterruptBeforeTheFirstEpochEndsNamesOnlyWhatIsThere) {
  write_images("data", 400);
  const auto result = braid(
      "train --model resnet20 --data data --batch-size 2 --epochs 100000 --threads 1 --output run "
      "& pid=$!; for i in $(seq 100); do [ -e run/config.toml ] && break; sleep 0.1; done; "
      "sleep 0.5; kill -INT $pid; wait $pid");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("interrupted"));
  EXPECT_THAT(result.out, HasSubstr("run/last"));
  expect_paths_exist(result.out + result.err);
}

TEST_F(Runs, OneRunPerFolder) {
  write_images("data", 400);
  const auto result = braid(
      "train --model resnet20 --data data --batch-size 2 --epochs 100000 --threads 1 --output run "
      "2>first.txt & pid=$!; for i in $(seq 100); do [ -e run/.lock ] && break; sleep 0.1; done; "
      "sleep 0.3; for resume in '' --resume; do " BRAID_PROGRAM
      " train --model resnet20 --data data --batch-size 2 --epochs 1 --output run $resume; "
      "echo \"code $?\"; done; kill -KILL $pid; wait $pid; " BRAID_PROGRAM
      " train --model resnet20 --data data --batch-size 2 --max-steps 1 --output run; echo "
      "\"code $?\"");
  EXPECT_EQ(result.out.find("code 75\ncode 75\n"), 0u) << result.out << result.err;
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("another run writes into this folder"), HasSubstr("run")));
  EXPECT_THAT(result.out, Not(HasSubstr("code 70")));
  EXPECT_THAT(result.out, HasSubstr("code 0\n")) << "a kill releases the lock: " << result.err;
}

TEST_F(Runs, ABatchOfOneBeforeBatchNormOverOneValue) {
  write_images("data", 5, 2);
  fs::create_directories(path("data/val"));
  fs::copy(path("data/test"), path("data/val"), fs::copy_options::recursive);
  fs::remove(path("data/train/right/4.png"));  // nine images: batches of 4, 4 and 1
  const std::string levit =
      "train --model levit_128s --img-size 32 --data data --epochs 1 --threads 1 ";
  const auto refused = braid(levit + "--batch-size 1 --output one");
  expect_fails(refused, 78, AllOf(HasSubstr("batch norm"), HasSubstr("batch_size")));
  const auto left_out = braid(levit + "--batch-size 4 --output four");
  EXPECT_EQ(left_out.code, 0) << left_out.err;
  EXPECT_EQ(Json::parse(text("four/results.json")).at("steps"), 2);
  // Skipping leaves one image in the whole set.
  for (const char* name : {"0", "1", "2", "3"})
    write("data/train/left/" + std::string(name) + ".png", "x");
  for (const char* name : {"0", "1", "2", "3"})
    write("data/train/right/" + std::string(name) + ".png", "x");
  const auto alone = braid(levit + "--batch-size 16 --on-bad-sample skip --output alone");
  expect_fails(alone, 65, HasSubstr("Batches of one of the images are left out"));
}

TEST_F(Runs, ModelsThatAreNoClassifiersOfImagesAreRefused) {
  write_images("data");
  ASSERT_EQ(braid("forward resnet20 --init 0 --num-classes 0 --save-weights features/").code, 0);
  ASSERT_EQ(
      braid("forward resnet20 --init 0 --num-classes 2 --in-chans 4 --save-weights four/").code, 0);
  for (const char* folder : {"features", "four"})
    for (const std::string& command : {std::string("predict data/test/left/0.png --checkpoint "),
                                       std::string("eval --data data --checkpoint ")}) {
      const auto result = braid(command + folder);
      expect_fails(result, 65, HasSubstr("[checkpoint]"));
      EXPECT_EQ(result.out, "");
    }
  EXPECT_THAT(braid("predict --checkpoint features x.png").err, HasSubstr("num_classes 0"));
  EXPECT_THAT(braid("predict --checkpoint four x.png").err, HasSubstr("4 channels"));
}

}  // namespace
}  // namespace braid::test
