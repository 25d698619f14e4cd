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
      "compare --data data --models resnet20,vit_lite_2_4_32,cct_2_3x2_32 --budget epochs=1 "
      "--batch-size 8 --robustness-images 4 --output out ";
  Json results() const { return read_json(path("out/results.json")); }
};

TEST_F(Compare, MeasuresRecommendsAndReports) {
  write_images("data");
  const auto run = braid(std::string(kCommand) + "--distill");
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("recommendation"));
  const Json json = results();
  const Json schema =
      read_json(fs::path(BRAID_TEST_SOURCE_DIR) / ".." / "docs/results.schema.json");
  EXPECT_THAT(schema_violations(json, schema), IsEmpty());
  ASSERT_EQ(json.at("models").size(), 3u);
  for (const auto& model : json.at("models")) {
    EXPECT_TRUE(model.at("top1").is_number());
    EXPECT_GT(model.at("macs").get<double>(), 1e5);
    EXPECT_GT(model.at("latency_ms_p50").get<double>(), 0);
    EXPECT_EQ(model.at("sample_efficiency").size(), 3u);
    EXPECT_EQ(model.at("robustness").size(), 30u);
    EXPECT_EQ(model.at("curve").size(), 1u);
  }
  EXPECT_TRUE(json.at("fusion").at("distillation").at("top1").is_number());
  EXPECT_THAT(text("out/report.html"), HasSubstr("resnet20"));
  const auto label = braid("predict --checkpoint out data/test/left/0.png");
  EXPECT_EQ(label.code, 0) << label.err;
}

TEST_F(Compare, AKilledOneGoesOnWhereItWas) {
  write_images("data");
  const std::string command = std::string(kCommand) + "--skip robustness";
  braid(command + " & pid=$!; sleep 2.5; kill -9 $pid; wait $pid");
  const bool begun = fs::exists(path("out/work/settings.json"));
  EXPECT_TRUE(begun);
  std::vector<fs::path> kept;
  for (const auto& entry : fs::directory_iterator(path("out/work")))
    if (entry.path().filename().string().starts_with("train-")) kept.push_back(entry.path());
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

TEST_F(Compare, OtherSettingsInTheSameFolderAreRefused) {
  write_images("data");
  const std::string base =
      "compare --data data --models resnet20 --batch-size 8 --skip robustness,efficiency --output "
      "out ";
  ASSERT_EQ(braid(base + "--budget epochs=1").code, 0);
  const auto other = braid(base + "--budget epochs=2");
  EXPECT_EQ(other.code, 78);
  EXPECT_THAT(other.err, HasSubstr("budget"));
}

TEST_F(Compare, BadFlagsAreUsageErrors) {
  write_images("data");
  EXPECT_EQ(braid("compare --data data --models resnet20 --budget epochs=0 --output out").code, 64);
  EXPECT_EQ(braid("compare --data data --models resnet20,resnet20 --output out").code, 64);
  EXPECT_EQ(braid("compare --data data --models resnet20 --prefer beauty --output out").code, 64);
  EXPECT_EQ(braid("compare --data data --output out").code, 64);
  EXPECT_EQ(braid("compare --models resnet20 --output out").code, 64);
  EXPECT_EQ(braid("compare --data data --models resnet20 --config none.toml").code, 74);
}

}  // namespace
}  // namespace braid::test
