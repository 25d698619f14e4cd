// --pretrained of train and compare, with published weights in a cache that the test fills.
#include <gmock/gmock.h>

#include <map>

#include "braid/core/config.h"
#include "tests/cli/program.h"

namespace braid::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Pretrained : public ProgramTest {
 protected:
  static constexpr const char* kOffline = "HF_HUB_OFFLINE=1 HF_HUB_CACHE=hub";
  static constexpr const char* kWeights = "hf-hub:timm/mobilenetv3_small_100.lamb_in1k";
  // A folder of weights as a repository in the cache. name: OWNER--NAME.
  void cache(const std::string& folder, const std::string& name) const {
    const std::string commit(40, 'c');
    const fs::path repository = path("hub/models--" + name);
    fs::create_directories(repository / "snapshots");
    fs::copy(path(folder), repository / "snapshots" / commit, fs::copy_options::recursive);
    write("hub/models--" + name + "/refs/main", commit);
  }
  void cache_mobilenet() const {
    ASSERT_EQ(braid("forward mobilenetv3_small_100 --init 1 --save-weights published/").code, 0);
    cache("published", "timm--mobilenetv3_small_100.lamb_in1k");
  }
};

TEST_F(Pretrained, TrainStartsFromThePublishedWeights) {
  write_images("data");
  cache_mobilenet();
  const std::string train =
      "train --model mobilenetv3_small_100 --data data --batch-size 8 --img-size 32 --threads 1 ";
  const auto run = braid(train + "--epochs 1 --output run --pretrained", kOffline);
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("classifier"));  // of 1000 classes, which are not the data's
  const std::string kept = text("run/config.toml");
  EXPECT_THAT(kept, AllOf(HasSubstr(kWeights), Not(HasSubstr("pretrained")),
                          HasSubstr("layer_decay = 0.75")));  // the recipe's of fine-tuning
  const auto resumed = braid(train + "--epochs 2 --output run --pretrained --resume", kOffline);
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  write("run.toml", "pretrained = true\nmodel = \"mobilenetv3_small_100\"\nimg_size = 32\n");
  const auto from_file =
      braid("train --config run.toml --data data --epochs 1 --output again --threads 1", kOffline);
  EXPECT_EQ(from_file.code, 0) << from_file.err;
  EXPECT_THAT(text("again/config.toml"), HasSubstr(kWeights));
  const auto both = braid(train + "--output both --pretrained --weights published", kOffline);
  EXPECT_EQ(both.code, 64);
  EXPECT_THAT(both.err, HasSubstr("got both"));
}

TEST_F(Pretrained, TheSameNetworkFromScratchAndFineTunedSideBySide) {
  write_images("data");
  cache_mobilenet();
  const std::string tuned = std::string("mobilenetv3_small_100=") + kWeights;
  const std::string rest =
      " --budget epochs=1 --img-size 32 --batch-size 8 --latency-seconds 0.05 "
      "--skip robustness,efficiency,looks";
  const auto run = braid(
      "compare --data data --output out --models mobilenetv3_small_100," + tuned + rest, kOffline);
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr(tuned));
  const Json results = read_json(path("out/results.json"));
  ASSERT_EQ(results.at("models").size(), 2u);
  std::map<std::string, std::string> recipes;
  for (const auto& model : results.at("models"))
    recipes[model.at("name").get<std::string>()] = model.at("recipe_name").get<std::string>();
  EXPECT_EQ(recipes[tuned], "fine-tune");
  EXPECT_EQ(recipes["mobilenetv3_small_100"], "short");
  EXPECT_EQ(braid("predict --checkpoint out data/test/left/0.png").code, 0);
  // The flag is another way to say so: nothing is trained again.
  const auto again =
      braid("compare --data data --output out --models mobilenetv3_small_100 --pretrained" + rest,
            kOffline);
  ASSERT_EQ(again.code, 0) << again.err;
  const Json one = read_json(path("out/results.json"));
  ASSERT_EQ(one.at("models").size(), 1u);
  EXPECT_EQ(one.at("models")[0].at("name"), tuned);
}

TEST_F(Pretrained, WhatCannotBeHadEndsBeforeAnythingIsTrained) {
  write_images("data");
  const std::string compare = "compare --data data --output out --budget epochs=1 ";
  const auto absent =
      braid(compare + "--models resnet20,mobilenetv3_small_100=" + kWeights, kOffline);
  EXPECT_EQ(absent.code, 74);
  EXPECT_THAT(absent.err, AllOf(HasSubstr("timm/mobilenetv3_small_100.lamb_in1k"),
                                HasSubstr("HF_HUB_OFFLINE")));
  EXPECT_FALSE(fs::exists(path("out/models")));
  const auto unreachable = braid(compare + "--models mobilenetv3_small_100 --pretrained",
                                 "HF_HUB_CACHE=hub HF_ENDPOINT=http://127.0.0.1:9");
  EXPECT_EQ(unreachable.code, 75);
  EXPECT_THAT(unreachable.err, HasSubstr("timm/mobilenetv3_small_100.lamb_in1k"));
  EXPECT_FALSE(fs::exists(path("out/models")));
  const auto none = braid(compare + "--models resnet20 --pretrained", kOffline);
  EXPECT_EQ(none.code, 64);
  EXPECT_THAT(none.err, AllOf(HasSubstr("'resnet20'"), HasSubstr("these have: ")));
  const auto train =
      braid("train --model airbench_nano --data data --output run --pretrained", kOffline);
  EXPECT_EQ(train.code, 64);
  EXPECT_THAT(train.err, HasSubstr("these have: "));
  EXPECT_FALSE(fs::exists(path("run")));
}

TEST_F(Pretrained, TextsBringTheirTokenizer) {
  std::string rows;
  for (int i = 0; i < 24; ++i)
    rows += std::string("{\"text\": \"a ") + (i % 2 ? "good" : "bad") + " film of number " +
            std::to_string(i) + "\", \"label\": \"" + (i % 2 ? "pos" : "neg") + "\"}\n";
  write("texts/train.jsonl", rows);
  ASSERT_EQ(braid("forward bert_tiny --init 1 --model-kwargs '{\"vocab_size\": 16}' "
                  "--save-weights published/")
                .code,
            0);
  write("published/vocab.txt",
        "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\ngood\nbad\nfilm\nof\nnumber\n1\n2\n3\n##1\n##2\n");
  cache("published", "google--bert_uncased_L-2_H-128_A-2");
  const auto run = braid(
      "train --model bert_tiny --data texts --epochs 1 --batch-size 8 --threads 1 --pretrained "
      "--output run",
      kOffline);
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(text("run/config.toml"), HasSubstr("hf-hub:google/bert_uncased_L-2_H-128_A-2"));
  const auto compared = braid(
      "compare --data texts --models bert_tiny --pretrained --budget epochs=1 --batch-size 8 "
      "--latency-seconds 0.05 --skip robustness,efficiency --output out",
      kOffline);
  EXPECT_EQ(compared.code, 0) << compared.err;
}

}  // namespace
}  // namespace braid::test
