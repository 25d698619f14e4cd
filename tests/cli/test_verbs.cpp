// What the smaller verbs print.
#include <gmock/gmock.h>

#include "braid/core/config.h"
#include "tests/cli/program.h"

namespace braid::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Verbs : public ProgramTest {};

TEST_F(Verbs, CompletionOffersVerbsFlagsAndModels) {
  ASSERT_EQ(braid("completion bash > braid.bash").code, 0);
  const auto offer = [&](const std::string& words, int at) {
    write("ask.sh", "source braid.bash\nCOMP_WORDS=(" + words + ")\nCOMP_CWORD=" +
                        std::to_string(at) + "\n_braid\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n");
    EXPECT_EQ(std::system(("cd " + folder_.string() + " && bash ask.sh > answer.txt 2>&1").c_str()),
              0);
    return text("answer.txt");
  };
  EXPECT_EQ(offer("braid co", 1), "compare\ncompletion\n");
  EXPECT_THAT(offer("braid train --weight", 2),
              AllOf(HasSubstr("--weights"), HasSubstr("--weight-decay")));
  EXPECT_EQ(offer("braid train --model resnet2", 3), "resnet20\n");
  EXPECT_EQ(offer("braid compare --models resnet20,cct_2", 3), "resnet20,cct_2_3x2_32\n");
  EXPECT_THAT(offer("braid data i", 2), HasSubstr("info"));
  EXPECT_THAT(offer("braid eval --lr", 2), Not(HasSubstr("--lr")));
  EXPECT_EQ(offer("braid train --opt la", 3), "lamb\n");
  EXPECT_EQ(offer("braid eval --dtype ''", 3), "float32\nbfloat16\nauto\n");
  EXPECT_EQ(offer("braid compare --skip robustness,e", 3), "robustness,efficiency\n");
  EXPECT_EQ(offer("braid data info x --format j", 5), "json\n");
  EXPECT_EQ(braid("completion fish").code, 64);
}

TEST_F(Verbs, TheAllocatorReadsTheProgramsSettings) {
  const auto weights = testing::TempDir() + "braid_allocator.safetensors";
  const auto run =
      braid("forward resnet20 --init 0 --save-weights " + weights, "MALLOC_CONF=confirm_conf:true");
  EXPECT_EQ(run.code, 0);
  EXPECT_THAT(run.err, HasSubstr("global variable malloc_conf): \"thp:always"));
}

TEST_F(Verbs, HelpSaysWhatAFieldMayBe) {
  const auto train = braid("train --help");
  ASSERT_EQ(train.code, 0);
  EXPECT_THAT(train.out,
              AllOf(HasSubstr("--opt {sgd,nesterov,adamw,lamb,lion,muon,nmuon,lookahead_sgd,"),
                    HasSubstr("(at least 0 and below 1) [0.9]")));
  const auto eval = braid("eval --help");
  EXPECT_THAT(eval.out, AllOf(HasSubstr("--on-bad-sample {error,skip}"),
                              HasSubstr("(between 1 and 65536) [128]")));
  EXPECT_EQ(braid("eval --checkpoint x --data y --batch-size 0").code, 64);
  EXPECT_EQ(braid("eval --checkpoint x --data y --dtype int3").code, 64);
  EXPECT_EQ(braid("predict --checkpoint x y.png --top 0").code, 64);
  EXPECT_EQ(braid("predict --checkpoint x y.png --on-bad-sample hide").code, 64);
  for (const std::string verb : {"eval", "predict"}) {
    EXPECT_THAT(braid(verb + " --help").out, HasSubstr("compute threads, 0: one per core")) << verb;
    const auto given = verb == "eval" ? " --data y" : " y.png";
    for (const char* threads : {"-1", "1025", "two"})
      EXPECT_EQ(braid(verb + " --checkpoint x --threads " + threads + given).code, 64) << verb;
  }
}

TEST_F(Verbs, ModelsAsJson) {
  const auto result = braid("models resnet20 --format json");
  ASSERT_EQ(result.code, 0);
  const Json json = Json::parse(result.out);
  ASSERT_EQ(json.size(), 1u);
  EXPECT_EQ(json[0].at("name"), "resnet20");
  EXPECT_EQ(json[0].at("family"), "cnn");
  EXPECT_EQ(json[0].at("input_size"), Json({3, 32, 32}));
  EXPECT_GT(json[0].at("params").get<int64_t>(), 200000);
  EXPECT_EQ(json[0].at("macs"), 40614400);
}

TEST_F(Verbs, DataInfo) {
  write_images("data", 5, 3);
  const auto result = braid("data info data --format json");
  ASSERT_EQ(result.code, 0) << result.err;
  const Json json = Json::parse(result.out);
  EXPECT_EQ(json.at("classes"), Json({"left", "right"}));
  EXPECT_EQ(json.at("splits").at("train").at("per_class"), Json({5, 5}));
  EXPECT_EQ(json.at("splits").at("test").at("images"), 6);
  EXPECT_TRUE(json.at("splits").at("val").is_null());
  EXPECT_THAT(braid("data info data").out, HasSubstr("right"));
  EXPECT_EQ(braid("data get nothing").code, 64);
  EXPECT_EQ(braid("data").code, 64);
  EXPECT_THAT(braid("data list").out, HasSubstr("fashion-mnist"));
}

TEST_F(Verbs, EvalAndPredictAsJson) {
  write_images("data");
  ASSERT_EQ(train().code, 0);
  const Json evaluation =
      Json::parse(braid("eval --checkpoint run --data data --threads 1 --format json").out);
  EXPECT_EQ(evaluation.at("split"), "test");
  EXPECT_EQ(evaluation.at("count"), 12);
  const Json labels = Json::parse(braid("predict --checkpoint run/model_best data/test/left/0.png "
                                        "data/test/right/0.png --threads 1 --format json")
                                      .out);
  ASSERT_EQ(labels.size(), 2u);
  EXPECT_EQ(labels[0].at("predictions").size(), 2u);
  double sum = 0;
  for (const auto& p : labels[0].at("predictions")) sum += p.at("probability").get<double>();
  EXPECT_NEAR(sum, 1, 1e-5);
}

TEST_F(Verbs, TestTimeAugmentationIsAskedForAndSaid) {
  write_images("data");
  ASSERT_EQ(train().code, 0);
  const std::string eval = "eval --checkpoint run --data data --format json ";
  const auto plain = braid(eval);
  ASSERT_EQ(plain.code, 0) << plain.err;
  EXPECT_FALSE(Json::parse(plain.out).contains("tta"));
  const auto crops = braid(eval + "--tta ten_crop --crop-pct 0.8");
  ASSERT_EQ(crops.code, 0) << crops.err;
  const Json tta = Json::parse(crops.out).at("tta");
  EXPECT_EQ(tta.at("name"), "ten_crop");
  EXPECT_EQ(tta.at("views"), 10);
  EXPECT_GT(tta.at("latency_ms_p50").get<double>(), 0);
  EXPECT_EQ(Json::parse(crops.out).at("count"), 12);
  const auto mirror = braid("eval --checkpoint run --data data --tta mirror");
  EXPECT_THAT(mirror.out, HasSubstr("mirror, 2 views"));
  // Images of 16 pixels are shown whole: there is nothing to crop.
  const auto whole = braid(eval + "--tta five_crop");
  EXPECT_EQ(whole.code, 78);
  EXPECT_THAT(whole.err, HasSubstr("--crop-pct"));
  EXPECT_EQ(braid(eval + "--tta eleven_crop").code, 64);
  const std::string predict = "predict --checkpoint run data/test/left/0.png --format json ";
  const auto moved = braid(predict + "--tta mirror_translate");
  ASSERT_EQ(moved.code, 0) << moved.err;
  EXPECT_THAT(moved.err, HasSubstr("mirror_translate, 6 views"));
  EXPECT_NE(Json::parse(moved.out), Json::parse(braid(predict).out));
}

TEST_F(Verbs, LrFindPrintsACurveAndTrainsNothing) {
  write_images("data");
  const auto found = train("--opt sgd --lr-find");
  ASSERT_EQ(found.code, 0) << found.err;
  EXPECT_THAT(found.out, HasSubstr("1.000e-07"));
  EXPECT_THAT(found.out, HasSubstr("suggested lr"));
  EXPECT_FALSE(std::filesystem::exists(path("run")));
}

TEST_F(Verbs, AFolderOfClassesIsItsOwnTestSplit) {
  write_images("data");
  ASSERT_EQ(train().code, 0);
  for (const char* arguments :
       {"--data data/test --split test", "--data data/test", "--data data --split test"}) {
    const auto result = braid(std::string("eval --checkpoint run --format json ") + arguments);
    ASSERT_EQ(result.code, 0) << arguments << result.err;
    EXPECT_EQ(Json::parse(result.out).at("count"), 12) << arguments;
  }
  std::filesystem::remove_all(path("data/train"));
  EXPECT_EQ(braid("eval --checkpoint run --data data --split test").code, 0) << "test/ alone";
  EXPECT_EQ(braid("train --model resnet20 --data data --output other").code, 65);
}

TEST_F(Verbs, TheResolvedConfigRunsAgain) {
  write_images("data");
  ASSERT_EQ(train("--lr 0.02").code, 0);
  EXPECT_THAT(text("run/config.toml"), HasSubstr("lr = 0.02"));
  const auto again = braid("train --config run/config.toml --output again");
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(text("run/model_best/model.safetensors"), text("again/model_best/model.safetensors"));
}

}  // namespace
}  // namespace braid::test
