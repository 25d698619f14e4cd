// hf-hub:OWNER/NAME wherever the program reads weights, from a cache that the test fills.
#include <gmock/gmock.h>

#include "braid/core/config.h"
#include "tests/cli/program.h"

namespace braid::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class HubVerbs : public ProgramTest {
 protected:
  static constexpr const char* kOffline = "HF_HUB_OFFLINE=1 HF_HUB_CACHE=hub";
  // The best checkpoint of a run as a repository in the cache.
  void cache_run() const {
    const std::string commit(40, 'c');
    const fs::path repository = path("hub/models--team--net");
    fs::create_directories(repository / "snapshots");
    fs::copy(path("run/model_best"), repository / "snapshots" / commit,
             fs::copy_options::recursive);
    write("hub/models--team--net/refs/main", commit);
  }
};

TEST_F(HubVerbs, EveryVerbThatReadsWeightsTakesARepository) {
  write_images("data");
  ASSERT_EQ(train().code, 0);
  cache_run();
  const auto from_run = braid("eval --checkpoint run --data data --format json");
  const auto from_hub =
      braid("eval --checkpoint hf-hub:team/net --data data --format json", kOffline);
  ASSERT_EQ(from_hub.code, 0) << from_hub.err;
  EXPECT_EQ(Json::parse(from_hub.out).at("loss"), Json::parse(from_run.out).at("loss"));
  EXPECT_EQ(braid("predict --checkpoint hf-hub:team/net@main data/test/left/0.png", kOffline).code,
            0);
  EXPECT_EQ(braid("forward resnet20 --weights hf-hub:team/net --model-kwargs '{\"in_chans\":1}' "
                  "--save-weights copy.safetensors",
                  kOffline)
                .code,
            0);
  EXPECT_EQ(text("copy.safetensors").size(), text("run/model_best/model.safetensors").size());
  const std::string rest =
      "train --model resnet20 --data data --batch-size 8 --epochs 1 --threads 1 ";
  EXPECT_EQ(braid(rest + "--output again --weights hf-hub:team/net", kOffline).code, 0);
  EXPECT_THAT(text("again/config.toml"), HasSubstr("hf-hub:team/net"));
  EXPECT_EQ(braid(rest + "--output taught --teacher hf-hub:team/net", kOffline).code, 0);
}

TEST_F(HubVerbs, WhatCannotBeHadEndsWithItsExitCode) {
  const auto missing =
      braid("forward resnet20 --weights hf-hub:team/absent --save-weights x", kOffline);
  EXPECT_EQ(missing.code, 74);
  EXPECT_THAT(missing.err, HasSubstr("HF_HUB_OFFLINE"));
  EXPECT_EQ(braid("eval --checkpoint hf-hub:../absent --data data", kOffline).code, 64);
  EXPECT_EQ(braid("predict --checkpoint hf-hub:a/b@../c x.png", kOffline).code, 64);
  EXPECT_EQ(
      braid("forward resnet20 --weights hf-hub:a/b --save-weights x", "HF_ENDPOINT=ftp://x").code,
      78);
}

}  // namespace
}  // namespace braid::test
