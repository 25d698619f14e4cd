// braid compare from end to end on small images: the schema, what the folder holds, resuming.
#include <gmock/gmock.h>

#include "braid/core/config.h"
#include "tests/cli/program.h"
#include "tests/evaluate/json_schema.h"

namespace braid::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Compare : public ProgramTest {
 protected:
  static constexpr const char* kCommand =
      "compare --latency-seconds 0.05 --data data --models resnet20,vit_lite_2_4_32,cct_2_3x2_32 "
      "--budget epochs=1 "
      "--batch-size 8 --robustness-images 4 --output out ";
  Json results() const { return read_json(path("out/results.json")); }
};

TEST_F(Compare, MeasuresRecommendsAndReports) {
  write_images("data");
  const auto run = braid(std::string(kCommand) + "--distill");
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("recommendation"));
  EXPECT_THAT(run.out, HasSubstr("\nwhat it takes"));
  EXPECT_THAT(run.out, HasSubstr("\nscored on          test, "));
  const Json json = results();
  const Json schema =
      read_json(fs::path(BRAID_TEST_SOURCE_DIR) / ".." / "docs/results.schema.json");
  EXPECT_THAT(schema_violations(json, schema), IsEmpty());
  EXPECT_EQ(json.at("task"), "image_classification");
  EXPECT_EQ(json.at("score"), "top1");
  EXPECT_EQ(json.at("data").at("test_split"), "test");
  ASSERT_EQ(json.at("models").size(), 3u);
  for (const auto& model : json.at("models")) {
    EXPECT_EQ(model.at("score").at("name"), "top1");
    EXPECT_EQ(model.at("scores").size(), 4u);  // of two classes no top-5
    EXPECT_GT(model.at("macs").get<double>(), 1e5);
    EXPECT_GT(model.at("latency_ms_p50").get<double>(), 0);
    EXPECT_EQ(model.at("sample_efficiency").size(), 3u);
    EXPECT_EQ(model.at("robustness").at("corruptions").size(), 30u);
    EXPECT_EQ(model.at("curve").size(), 1u);
    EXPECT_EQ(model.at("resolved").at("batch_size"), 8);
    EXPECT_EQ(model.at("resolved").at("input_size"), Json({1, 16, 16}));
  }
  EXPECT_TRUE(json.at("fusion").at("distillation").at("score").at("value").is_number());
  // Another teacher is another run.
  EXPECT_TRUE(fs::exists(path("out/models/vit_lite_2_4_32-seed0-from-resnet20-seed0")));
  EXPECT_THAT(text("out/report.html"), HasSubstr("resnet20"));
  const auto label = braid("predict --checkpoint out data/test/left/0.png");
  EXPECT_EQ(label.code, 0) << label.err;
}

TEST_F(Compare, AKilledOneGoesOnWhereItWas) {
  write_images("data");
  const std::string command = std::string(kCommand) + "--skip robustness";
  braid(command +
        " & pid=$!; for i in $(seq 2400); do ls out/work/train-*.json && break; sleep 0.05; done; "
        "kill -9 $pid; wait $pid");
  EXPECT_FALSE(fs::exists(path("out/results.json"))) << "it was not cut off";
  std::vector<fs::path> kept;
  for (const auto& entry : fs::directory_iterator(path("out/work")))
    if (entry.path().filename().string().starts_with("train-")) kept.push_back(entry.path());
  ASSERT_FALSE(kept.empty());
  std::vector<fs::file_time_type> times;
  for (const auto& file : kept) times.push_back(fs::last_write_time(file));
  const auto run = braid(command);
  ASSERT_EQ(run.code, 0) << run.err;
  for (size_t i = 0; i < kept.size(); ++i)
    EXPECT_EQ(fs::last_write_time(kept[i]), times[i]) << kept[i] << " was trained again";
  EXPECT_EQ(results().at("models").size(), 3u);
  // With nothing left to do, the same results again.
  const Json before = results();
  ASSERT_EQ(braid(command).code, 0);
  EXPECT_EQ(results().at("models"), before.at("models"));
}

TEST_F(Compare, DeploysWhatItTrained) {
  write_images("data");
  const std::string command =
      "compare --latency-seconds 0.05 --data data --models resnet20,vit_lite_2_4_32 --budget "
      "epochs=1 --batch-size 8 "
      "--skip "
      "robustness,efficiency,looks --workers 0 --output out --deploy ";
  const auto run = braid(command + "braid-run-int8");
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("winner/model.int8.onnx"));
  const Json json = results();
  EXPECT_THAT(schema_violations(json, read_json(fs::path(BRAID_TEST_SOURCE_DIR) / ".." /
                                                "docs/results.schema.json")),
              IsEmpty());
  EXPECT_EQ(json.at("deploy"), "braid-run-int8");
  for (const auto& model : json.at("models")) {
    const Json& deployed = model.at("deployed");
    EXPECT_TRUE(deployed.at("error").is_null());
    EXPECT_EQ(deployed.at("score").at("name"), "top1");
    EXPECT_EQ(deployed.at("bytes"), fs::file_size(path(deployed.at("file").get<std::string>())));
    EXPECT_LT(deployed.at("bytes"), deployed.at("float_bytes"));
    EXPECT_NEAR(deployed.at("drop").get<double>(),
                model.at("score").at("value").get<double>() -
                    deployed.at("score").at("value").get<double>(),
                1e-9);
  }
  // The float models beside them, of the same trainings.
  const auto in_float = braid(command + "braid-run");
  ASSERT_EQ(in_float.code, 0) << in_float.err;
  EXPECT_NEAR(results().at("models")[0].at("deployed").at("drop").get<double>(), 0, 1e-9);
  EXPECT_EQ(braid(command + "abacus").code, 64);
}

TEST_F(Compare, DeploysTextsInFloatAndIn8Bits) {
  std::string rows;
  for (int i = 0; i < 40; ++i)
    rows += i % 2 == 0 ? "a good film of the year\tpos\n" : "a bad play of the day\tneg\n";
  write("texts.tsv", rows);
  const std::string command =
      "compare --latency-seconds 0.05 --data texts.tsv --models bert_tiny --budget epochs=1 "
      "--batch-size 8 --skip "
      "robustness,efficiency --output out --deploy ";
  const auto in_8_bits = braid(command + "braid-run-int8");
  ASSERT_EQ(in_8_bits.code, 0) << in_8_bits.err;
  const Json smaller = results().at("models")[0].at("deployed");
  EXPECT_LT(smaller.at("bytes"), smaller.at("float_bytes"));
  EXPECT_GT(smaller.at("latency_ms_p50").get<double>(), 0);
  const auto run = braid(command + "braid-run");
  ASSERT_EQ(run.code, 0) << run.err;
  const Json deployed = results().at("models")[0].at("deployed");
  EXPECT_NEAR(deployed.at("drop").get<double>(), 0, 1e-9);
  EXPECT_GT(deployed.at("latency_ms_p50").get<double>(), 0);
}

TEST_F(Compare, OtherSettingsInTheSameFolderAreRefused) {
  write_images("data");
  const std::string base =
      "compare --latency-seconds 0.05 --data data --models resnet20 --batch-size 8 --skip "
      "robustness,efficiency --output "
      "out ";
  ASSERT_EQ(braid(base + "--budget epochs=1").code, 0);
  const auto other = braid(base + "--budget epochs=2");
  EXPECT_EQ(other.code, 78);
  EXPECT_THAT(other.err, HasSubstr("budget"));
}

TEST_F(Compare, WorkOfAnotherVersionIsRefused) {
  write_images("data");
  write("out/work/settings.json", R"({"data": "data", "budget": "epochs=1"})");
  const auto run = braid(
      "compare --latency-seconds 0.05 --data data --models resnet20 --budget epochs=1 --output "
      "out");
  EXPECT_EQ(run.code, 78);
  EXPECT_THAT(run.err, HasSubstr("another version"));
}

TEST_F(Compare, SeedsWidenTheInterval) {
  write_images("data");
  const auto run = braid(
      "compare --latency-seconds 0.05 --data data --models resnet20 --batch-size 8 --budget "
      "epochs=1 --seeds 2 --skip "
      "robustness,efficiency --output out");
  ASSERT_EQ(run.code, 0) << run.err;
  const Json model = results().at("models")[0];
  const auto seeds = model.at("seed_scores").get<std::vector<double>>();
  ASSERT_EQ(seeds.size(), 2u);
  EXPECT_DOUBLE_EQ(model.at("score").at("value").get<double>(), (seeds[0] + seeds[1]) / 2);
  EXPECT_EQ(results().at("seeds"), Json({0, 1}));
  EXPECT_TRUE(fs::exists(path("out/models/resnet20-seed1/results.json")));
}

TEST_F(Compare, BudgetsOfTimeAndOfArithmeticEndATraining) {
  write_images("data");
  const std::string base =
      "compare --latency-seconds 0.05 --data data --models resnet20 --batch-size 8 --skip "
      "robustness,efficiency ";
  const auto timed = braid(base + "--budget time=0.5s --output timed");
  ASSERT_EQ(timed.code, 0) << timed.err;
  const Json clock = read_json(path("timed/results.json")).at("models")[0];
  EXPECT_GE(clock.at("train_seconds").get<double>(), 0.5);
  EXPECT_LT(clock.at("train_seconds").get<double>(), 10);
  const auto counted = braid(base + "--budget flops=3G --output counted");
  ASSERT_EQ(counted.code, 0) << counted.err;
  const Json model = read_json(path("counted/results.json")).at("models")[0];
  const auto steps = static_cast<int64_t>(3e9 / (6 * model.at("train_macs").get<double>() * 8));
  EXPECT_GT(steps, 3);
  EXPECT_EQ(read_json(path("counted/work/train-resnet20-seed0.json")).at("steps"), steps);
}

TEST_F(Compare, AnUnreadableTestImageIsSkippedEverywhereIfAskedTo) {
  write_images("data");
  write("data/test/left/3.png", "no image");
  const std::string command =
      "compare --latency-seconds 0.05 --data data --models resnet20 --batch-size 8 --budget "
      "epochs=1 --robustness-images "
      "0 --skip efficiency ";
  const auto run = braid(command + "--output out --on-bad-sample skip");
  ASSERT_EQ(run.code, 0) << run.err;
  const Json model = results().at("models")[0];
  EXPECT_EQ(model.at("robustness").at("bad_samples"), 1);
  EXPECT_EQ(model.at("robustness").at("items"), 11);
  EXPECT_EQ(results().at("data").at("bad_samples"), 1);
  // When nobody said skip: the only model fails with the data's error.
  const auto strict = braid(command + "--output strict");
  EXPECT_EQ(strict.code, 65);
  EXPECT_THAT(strict.err, HasSubstr("3.png"));
}

TEST_F(Compare, SaysWhatAutoCameTo) {
  write_images("data");
  const auto run = braid(
      "compare --latency-seconds 0.05 --data data --models resnet20 --batch-size 8 --budget "
      "epochs=1 --dtype auto "
      "--threads 1 --skip robustness,efficiency --output out");
  ASSERT_EQ(run.code, 0) << run.err;
  const Json resolved = results().at("models")[0].at("resolved");
  EXPECT_NE(resolved.at("dtype"), "auto");
  EXPECT_EQ(resolved.at("dtype"), results().at("machine").at("dtype"));
  EXPECT_EQ(resolved.at("threads"), 1);
  EXPECT_EQ(resolved.at("device"), "cpu");
}

// No model has a score, and each another error: what stands beside them is printed all the same.
TEST_F(Compare, ABudgetBelowAStepOfEveryModelIsAUsageError) {
  write_images("data");
  const auto result = braid(
      "compare --latency-seconds 0.05 --data data --models resnet20,vit_lite_2_4_32 --budget "
      "flops=1k --output out");
  EXPECT_EQ(result.code, 64) << result.err;
  EXPECT_THAT(result.err, HasSubstr("operations of one step of resnet20"));
  EXPECT_THAT(result.out, HasSubstr("No model could be trained and measured."));
}

TEST_F(Compare, BadFlagsAreUsageErrors) {
  write_images("data");
  EXPECT_EQ(braid("compare --latency-seconds 0.05 --data data --models resnet20 --budget epochs=0 "
                  "--output out")
                .code,
            64);
  EXPECT_EQ(
      braid("compare --latency-seconds 0.05 --data data --models resnet20,resnet20 --output out")
          .code,
      64);
  EXPECT_EQ(braid("compare --latency-seconds 0.05 --data data --models resnet20 --prefer beauty "
                  "--output out")
                .code,
            64);
  EXPECT_EQ(braid("compare --models resnet20 --output out").code, 64);
  EXPECT_EQ(
      braid("compare --latency-seconds 0.05 --data data --models resnet20 --config none.toml").code,
      74);
}

}  // namespace
}  // namespace braid::test
