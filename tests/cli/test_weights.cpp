// Foreign weights at the program's entry points.
#include <gmock/gmock.h>

#include "braid/core/config.h"
#include "tests/cli/program.h"

namespace braid::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class WeightsOfOthers : public ProgramTest {};

TEST_F(WeightsOfOthers, PicklesAreRefusedWithTheCommandThatConvertsThem) {
  write_images("data");
  for (const char* name : {"old.pth", "old.pth.tar", "old.pt", "old.bin", "old.ckpt"}) {
    write(name, "PK");
    const std::string file = name;
    for (const std::string& command :
         {"eval --data data --checkpoint " + file,
          "predict data/test/left/0.png --checkpoint " + file,
          "forward resnet20 --save-weights w.safetensors --weights " + file,
          "train --model resnet20 --data data --output run --weights " + file,
          "train --model resnet20 --data data --output run --teacher " + file}) {
      const auto result = braid(command);
      EXPECT_EQ(result.code, 65) << command << result.err;
      EXPECT_THAT(result.err, AllOf(HasSubstr("python -c"), HasSubstr("'old.safetensors'")))
          << command;
    }
  }
}

TEST_F(WeightsOfOthers, TransformersFoldersEndInARemedy) {
  write_images("data");
  write("vit/config.json",
        R"({"architectures": ["ViTForImageClassification"], "model_type": "vit"})");
  for (const char* command : {"eval --data data --checkpoint vit", "predict x.png --checkpoint vit",
                              "train --model resnet20 --data data --output run --weights vit"}) {
    const auto result = braid(command);
    EXPECT_EQ(result.code, 65) << command << result.err;
    EXPECT_THAT(result.err, HasSubstr("braid forward NAME --weights")) << command;
  }
}

TEST_F(WeightsOfOthers, AFolderOfWeightsIsAWholeCheckpoint) {
  write_images("data");
  ASSERT_EQ(braid("forward resnet20 --init 1 --num-classes 2 --in-chans 1 --img-size 16 "
                  "--save-weights model/ --max-shard-size 300KB")
                .code,
            0);
  EXPECT_THAT(text("model/model.safetensors.index.json"), HasSubstr("model-00001-of-0000"));
  const auto evaluated = braid("eval --checkpoint model --data data --format json");
  ASSERT_EQ(evaluated.code, 0) << evaluated.err;
  EXPECT_EQ(Json::parse(evaluated.out).at("classes"), Json({"left", "right"}));
  for (const char* size : {"5", "-1GB", "much"})
    EXPECT_EQ(
        braid(std::string("forward resnet20 --init 1 --save-weights x/ --max-shard-size ") + size)
            .code,
        64);
  EXPECT_EQ(
      braid("forward resnet20 --init 1 --save-weights x.safetensors --max-shard-size 1MB").code,
      64);
}

TEST_F(WeightsOfOthers, FineTuningSaysWhatItAdapts) {
  write_images("data");
  ASSERT_EQ(braid("forward resnet20 --init 1 --num-classes 5 --save-weights model/").code, 0);
  const std::string train_it = "train --model resnet20 --data data --batch-size 8 --max-steps 2 ";
  const auto run =
      braid(train_it + "--weights model --freeze backbone --head-lr 0.05 --output run");
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.err, AllOf(HasSubstr("classifier has 5 classes"), HasSubstr("summed"),
                             HasSubstr("Frozen:")));
  EXPECT_EQ(braid(train_it + "--weights model --freeze head --output other").code, 78);
  const auto other = braid("train --model resnet56 --data data --output other --weights model");
  EXPECT_EQ(other.code, 78);
  EXPECT_THAT(other.err, AllOf(HasSubstr("resnet20"), HasSubstr("--model")));
  const auto tagged =
      braid("train --model resnet20.some_tag --data data --max-steps 1 --output tagged");
  ASSERT_EQ(tagged.code, 0) << tagged.err;
  EXPECT_THAT(text("tagged/last/config.json"), AllOf(HasSubstr("\"architecture\": \"resnet20\""),
                                                     HasSubstr("\"tag\": \"some_tag\"")));
}

TEST_F(WeightsOfOthers, WithoutNamesOfClassesTheirOrderCounts) {
  write_images("data");
  ASSERT_EQ(braid("forward resnet20 --init 1 --num-classes 3 --in-chans 1 --img-size 16 "
                  "--save-weights model/")
                .code,
            0);
  const auto result = braid("eval --checkpoint model --data data");
  EXPECT_EQ(result.code, 65);
  EXPECT_THAT(result.err, AllOf(HasSubstr("3 classes"), HasSubstr("label_names")));
}

}  // namespace
}  // namespace braid::test
