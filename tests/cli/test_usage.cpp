// What the program answers without its part that loads LibTorch, and that both parts say the same.
#include <gmock/gmock.h>

#include "braid/core/config.h"
#include "tests/cli/program.h"

namespace braid::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class Usage : public ProgramTest {
 protected:
  Result run(const std::string& program, const std::string& arguments) const {
    const int status = std::system(("cd " + folder_.string() + " && " + program + " " + arguments +
                                    " >out.txt 2>err.txt </dev/null")
                                       .c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text("out.txt"), text("err.txt")};
  }
  // A copy of the program alone, without its other part beside it.
  std::string front() const {
    if (!fs::exists(path("bin/braid"))) {
      fs::create_directories(path("bin"));
      fs::copy_file(BRAID_PROGRAM, path("bin/braid"));
    }
    return path("bin/braid").string();
  }
  const std::string worker_ = BRAID_PROGRAM "-torch";
};

const std::vector<std::string> kVerbs = {"compare", "train", "eval",      "predict",   "models",
                                         "forward", "data",  "data info", "completion"};

TEST_F(Usage, BraidRunTakesNoFlagThatItWouldIgnore) {
  const std::string program = BRAID_PROGRAM "-run missing.onnx ";
  for (const char* flag : {"--profile", "--length 9"}) {
    const auto alone = run(program, flag);
    EXPECT_EQ(alone.code, 64) << flag;
    EXPECT_NE(alone.err.find("--benchmark"), std::string::npos) << alone.err;
    EXPECT_EQ(run(program, flag + std::string(" --benchmark 1")).code, 74) << flag;
  }
}

TEST_F(Usage, ThreadsSpinBrieflyUnlessAVerbTrainsForATime) {
  const auto program = front();
  write("bin/braid-torch", "#!/bin/sh\necho \"${GOMP_SPINCOUNT:-as ever}\"\n");
  fs::permissions(path("bin/braid-torch"), fs::perms::owner_exec, fs::perm_options::add);
  write("total.toml", "budget = \"total=2m\"\n");
  write("epochs.toml", "budget = \"epochs=2\"\n");
  write("seconds.toml", "max_train_seconds = 9\n");
  write("recorded.toml", "max_train_seconds = 0.0\nthreads = 0\n");
  const auto spins = [&](const std::string& arguments) {
    return run("env -u GOMP_SPINCOUNT -u OMP_WAIT_POLICY " + program, arguments).out;
  };
  for (const char* timed : {"compare", "compare --budget time=9s", "compare --config total.toml",
                            "compare --config missing.toml", "compare --threads 0",
                            "compare --config epochs.toml --budget time=9s",
                            "train --max-train-seconds 9", "train --config seconds.toml"})
    EXPECT_EQ(spins(timed), "as ever\n") << timed;
  for (const char* other : {"compare --budget epochs=2", "compare --config epochs.toml",
                            "compare --threads 2", "train", "train --config recorded.toml"})
    EXPECT_EQ(spins(other), "3000\n") << other;
  EXPECT_EQ(run("env GOMP_SPINCOUNT=7 " + program, "train").out, "7\n")
      << "who has set it keeps it";
}

TEST_F(Usage, HelpModelsAndCompletionNeedNoLibTorch) {
  for (const auto& verb : kVerbs) {
    const auto help = run(front(), verb + " --help");
    EXPECT_EQ(help.code, 0) << verb << help.err;
    EXPECT_THAT(help.out, HasSubstr("Usage: braid " + verb + " [OPTIONS]"));
    EXPECT_EQ(help.out, run(worker_, verb + " --help").out) << verb;
    EXPECT_THAT(help.out, Not(HasSubstr("{false}"))) << verb;
  }
  EXPECT_EQ(run(front(), "--help").out, run(worker_, "--help").out);
  EXPECT_EQ(run(front(), "--version").out, run(worker_, "--version").out);
  EXPECT_EQ(run(front(), "completion bash").out, run(worker_, "completion bash").out);
  for (const char* arguments : {"models", "models cct --format json", "models 'resnet*'"}) {
    const auto list = run(front(), arguments);
    EXPECT_EQ(list.code, 0) << list.err;
    EXPECT_EQ(list.out, run(worker_, arguments).out) << arguments;
  }
  const auto train = run(front(), "train --model resnet20 --data data");
  EXPECT_EQ(train.code, 74);
  EXPECT_THAT(train.err, HasSubstr("bin/braid-torch"));
}

TEST_F(Usage, RefusalsNeedNoLibTorchAndNameFlagsOfTheVerb) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"nonsense", "unknown verb 'nonsense' of braid"},
      {"nonsense --help", "unknown verb 'nonsense' of braid"},
      {"--help nonsense", "unknown verb 'nonsense' of braid"},
      {"trian --help", "did you mean 'train'?"},
      {"data nonsense --help", "unknown verb 'nonsense' of braid data"},
      {"data inof x", "did you mean 'info'?"},
      {"", "subcommand is required"},
      {"data", "subcommand is required"},
      {"train --modle resnet20", "unknown flag '--modle' of braid train; did you mean '--model'"},
      {"eval --chekpoint x", "did you mean '--checkpoint'?"},
      {"eval --checkpoint x --data y --lr 1",
       "unknown flag '--lr' of braid eval; `braid eval --help`"},
      {"eval --data y", "--checkpoint is required"},
      {"data info x --fromat json", "did you mean '--format'?"},
      {"data info x --frmt=json", "'--frmt' of braid data info"},
      {"data info x y", "unexpected 'y' after braid data info"},
      {"train --epochs three", "expected a whole number for --epochs, got 'three'"},
      {"train --epochs 99999999999999999999", "for --epochs, got '99999999999999999999'"},
      {"train --seed 0x10", "for --seed, got '0x10'"},
      {"train --seed -", "seed"},
      {"train --lr 0.1.2", "cannot read '0.1.2' as a value of --lr"},
      {"eval --checkpoint x --data y --split vall",
       "--split: expected one of auto, test, val, train, all, got 'vall'; did you mean 'val'"},
      {"train --opt-betas 0.9,x", "opt-betas"},
      {"train --lr", "lr"},
      {"models --format yaml", "format"},
      {"completion fish", "fish"},
      {"models 'resnex*'", "did you mean 'resnet"},
      {"models zebra-crossing", "no model's name fits 'zebra-crossing'"}};
  for (const auto& [arguments, message] : cases) {
    const auto refused = run(front(), arguments);
    EXPECT_EQ(refused.code, 64) << arguments << ": " << refused.err;
    EXPECT_EQ(refused.out, "") << arguments;
    EXPECT_THAT(refused.err, AllOf(StartsWith("braid: ["), HasSubstr(message))) << arguments;
    const auto same = run(worker_, arguments);
    EXPECT_EQ(same.code, 64) << arguments;
    EXPECT_EQ(same.err, refused.err) << arguments;
  }
}

TEST_F(Usage, GlobsAreOfWholeNames) {
  const Json some = Json::parse(run(front(), "models 'resnet[12]?' --format json").out);
  std::vector<std::string> names;
  for (const auto& row : some) names.push_back(row.at("name").get<std::string>());
  EXPECT_THAT(names, ::testing::Contains("resnet18"));
  EXPECT_THAT(names, ::testing::Contains("resnet20"));
  EXPECT_THAT(names, Not(::testing::Contains("resnet101")));
  EXPECT_THAT(run(front(), "models cct").out, HasSubstr("cct_2_3x2_32"));
}

TEST_F(Usage, TheLastOfAFlagCounts) {
  write_images("data");
  const auto result = train(
      "--lr 0.5 --lr 0.02 --no-channels-last --channels-last --opt-betas 0.5 "
      "0.6 --opt-betas 0.75,0.875 --epochs 3 --epochs 1 --checkpoint-hist 010");
  ASSERT_EQ(result.code, 0) << result.err;
  const std::string config = text("run/config.toml");
  EXPECT_THAT(config, AllOf(HasSubstr("lr = 0.02"), HasSubstr("channels_last = true"),
                            HasSubstr("epochs = 1"), HasSubstr("checkpoint_hist = 10"),
                            HasSubstr("opt_betas = [ 0.75, 0.875 ]")));
}

TEST_F(Usage, ClosedDescriptorsGetNoFileOfOurs) {
  write_images("data");
  ASSERT_EQ(train("2>&-").code, 0);
  for (const auto& entry : fs::directory_iterator(path("run"))) {
    if (!entry.is_regular_file()) continue;
    EXPECT_THAT(text("run/" + entry.path().filename().string()), Not(HasSubstr("train loss ")))
        << entry.path();
  }
  fs::remove_all(path("run"));
  EXPECT_EQ(train(">&- 2>&-").code, 0);
  fs::remove_all(path("run"));
  EXPECT_EQ(train("<&- >&- 2>&-").code, 0);
  EXPECT_TRUE(fs::exists(path("run/model_best/model.safetensors")));
}

TEST_F(Usage, NoEscapeCodesWhereNoTerminalKnowsThem) {
  write_images("data");
  if (std::system("command -v script >/dev/null") != 0) GTEST_SKIP() << "no script(1)";
  // An epoch takes longer than a bar waits before it is drawn.
  const std::string train = " " BRAID_PROGRAM
                            " train --model resnet20 --data data --batch-size 2 --epochs 2 "
                            "--img-size 160 --threads 1 --output run";
  const auto in_terminal = [&](const std::string& term) {
    fs::remove_all(path("run"));
    const int status = std::system(("cd " + folder_.string() + " && TERM=" + term +
                                    " script -qec '" + train + "' typed.txt >/dev/null 2>&1")
                                       .c_str());
    EXPECT_EQ(status, 0);
    return text("typed.txt");
  };
  EXPECT_THAT(in_terminal("xterm"), HasSubstr("\x1b[2K"));
  EXPECT_THAT(in_terminal("dumb"), Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace braid::test
