// Every fault that a user can bring about: the right exit code, and a message that names file, flag
// or field.
#include <gmock/gmock.h>

#include "braid/core/config.h"
#include "tests/cli/program.h"

namespace braid::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

class Faults : public ProgramTest {};

#define EXPECT_FAILS(result, exit_code, message) \
  do {                                           \
    const auto r = (result);                     \
    EXPECT_EQ(r.code, exit_code) << r.err;       \
    EXPECT_THAT(r.err, message);                 \
  } while (false)

TEST_F(Faults, UnknownNamesShowNearOnes) {
  write_images("data");
  EXPECT_FAILS(braid("train --model resnet21 --data data"), 64,
               AllOf(HasSubstr("resnet21"), HasSubstr("resnet20")));
  EXPECT_FAILS(braid("trian"), 64, HasSubstr("train"));
  EXPECT_FAILS(braid("train --modle resnet20 --data data"), 64, HasSubstr("--model"));
  EXPECT_FAILS(braid("compare --data data --models resnet20,cct_2_3x2 --budget epochs=1"), 64,
               HasSubstr("cct_2_3x2_32"));
  EXPECT_FAILS(train("--opt adamm"), 78, HasSubstr("adamw"));
  EXPECT_FAILS(train("--sched cosin"), 78, HasSubstr("cosine"));
  EXPECT_FAILS(train("--lr-find --resume"), 64, HasSubstr("--lr-find or --resume"));
}

TEST_F(Faults, ConfigFilesNameTheLine) {
  write_images("data");
  write("run.toml", "model = \"resnet20\"\ndata = \"data\"\n\nweight_decai = 0.1\n");
  EXPECT_FAILS(braid("train --config run.toml"), 78,
               AllOf(HasSubstr("weight_decai"), HasSubstr("weight_decay"), HasSubstr("run.toml"),
                     HasSubstr("4")));
  write("run.toml", "model = \"resnet20\"\nepochs = \"many\"\n");
  EXPECT_FAILS(braid("train --config run.toml"), 78, AllOf(HasSubstr("epochs"), HasSubstr("2")));
  write("run.toml", "modle = \"resnet20\"\ndata = \"data\"\n");
  EXPECT_FAILS(braid("train --config run.toml"), 78,
               AllOf(HasSubstr("'modle'"), HasSubstr("'model'"), HasSubstr("run.toml:1")));
  write("run.toml", "model = \n");
  EXPECT_FAILS(braid("train --config run.toml"), 78, HasSubstr("run.toml"));
  EXPECT_FAILS(braid("train --config nowhere.toml"), 74, HasSubstr("nowhere.toml"));
}

TEST_F(Faults, FlagsOutOfRange) {
  write_images("data");
  for (const char* flag : {"--lr nan",
                           "--lr -1",
                           "--batch-size 0",
                           "--epochs -1",
                           "--drop-path 2",
                           "--drop 1",
                           "--img-size 0",
                           "--threads -1",
                           "--workers -1",
                           "--grad-accum-steps 0",
                           "--clip-grad -1",
                           "--smoothing 1",
                           "--layer-decay 0",
                           "--val-fraction 1.5",
                           "--opt-betas 2,2",
                           "--model-ema-decay 2",
                           "--device tpu",
                           "--dtype int3",
                           "--on-bad-sample maybe",
                           "--aa rand-x9",
                           "--scale 1,0.5",
                           "--mixup -1"}) {
    const auto result = train(flag);
    EXPECT_TRUE(result.code == 78 || result.code == 64)
        << flag << ": " << result.code << result.err;
    EXPECT_FALSE(fs::exists(path("run/last"))) << flag;
  }
  EXPECT_FAILS(train("--lr"), 64, HasSubstr("lr"));
  EXPECT_FAILS(train("--epochs three"), 64, HasSubstr("epochs"));
}

TEST_F(Faults, DataFolders) {
  EXPECT_FAILS(train(), 74, HasSubstr("data"));
  write_images("data");
  fs::create_directories(path("data/train/middle"));
  EXPECT_FAILS(train(), 0, HasSubstr("class without an image: middle"));
  fs::create_directories(path("empty"));
  const auto empty = braid("train --model resnet20 --data empty --output other");
  EXPECT_TRUE(empty.code == 65 || empty.code == 74) << empty.err;
  EXPECT_THAT(empty.err, HasSubstr("empty"));
}

TEST_F(Faults, UnreadableFolder) {
  if (::geteuid() == 0) GTEST_SKIP() << "root reads everything";
  write_images("data");
  fs::permissions(path("data/train/left"), fs::perms::none);
  EXPECT_FAILS(train(), 74, HasSubstr("left"));
  fs::permissions(path("data/train/left"), fs::perms::owner_all);
}

TEST_F(Faults, BadImagesAreNamedOrSkippedAndCounted) {
  write_images("data");
  const std::string whole = png(0, 1);
  write("data/train/left/cut.png", whole.substr(0, whole.size() / 2));
  EXPECT_FAILS(train(), 65, HasSubstr("cut.png"));
  fs::remove_all(path("run"));
  write("data/train/left/noise.jpg", "\xff\xd8\xff\xe0 this is no JPEG");
  const auto skipped = train("--on-bad-sample skip --val-fraction 0.2");
  EXPECT_EQ(skipped.code, 0) << skipped.err;
  EXPECT_THAT(skipped.out, HasSubstr("could not be read"));
}

TEST_F(Faults, ImageBombsAreRefusedByTheirHeader) {
  write_images("data");
  std::string bomb = png(0, 1);
  // IHDR: width and height of 60,000 pixels, its CRC not mended: refused either way, quickly.
  for (const size_t at : {16u, 20u}) bomb.replace(at, 4, std::string("\x00\x00\xea\x60", 4));
  write("bomb.png", bomb);
  EXPECT_EQ(train().code, 0);
  EXPECT_FAILS(braid("predict --checkpoint run bomb.png"), 65, HasSubstr("bomb.png"));
}

TEST_F(Faults, IdxFiles) {
  const std::string labels("\x00\x00\x08\x01\x00\x00\x00\x02\x00\x01", 10);
  std::string images("\x00\x00\x08\x03\x00\x00\x00\x02\x00\x00\x00\x04\x00\x00\x00\x04", 16);
  images += std::string(32, 'x');
  for (const char* split : {"train", "t10k"}) {
    write("data/" + std::string(split) + "-labels-idx1-ubyte", labels);
    write("data/" + std::string(split) + "-images-idx3-ubyte", images);
  }
  write("data/train-images-idx3-ubyte", images.substr(0, images.size() - 1));
  EXPECT_FAILS(train(), 65, HasSubstr("train-images-idx3-ubyte"));
  images[2] = '\x07';
  write("data/train-images-idx3-ubyte", images);
  EXPECT_FAILS(train(), 65, HasSubstr("train-images-idx3-ubyte"));
}

TEST_F(Faults, CheckpointsCutAnywhere) {
  write_images("data");
  ASSERT_EQ(train().code, 0);
  const std::string weights = text("run/model_best/model.safetensors");
  const std::string command = "predict --checkpoint run data/test/left/0.png";
  EXPECT_EQ(braid(command).code, 0);
  for (size_t step = 0; step < 24; ++step) {
    const size_t size = step < 12 ? step : weights.size() * (step - 11) / 14;
    write("run/model_best/model.safetensors", weights.substr(0, size));
    SCOPED_TRACE(size);
    EXPECT_FAILS(braid(command), 65, HasSubstr("model.safetensors"));
  }
  write("run/model_best/model.safetensors", weights);
  const std::string card = text("run/model_best/config.json");
  for (size_t cut : {size_t{0}, size_t{1}, card.size() / 2, card.size() - 3}) {
    write("run/model_best/config.json", card.substr(0, cut));
    SCOPED_TRACE(cut);
    EXPECT_FAILS(braid(command), 65, HasSubstr("config.json"));
  }
  write("run/model_best/config.json", "{\"architecture\": \"resnet9000\"}");
  EXPECT_FAILS(braid(command), 65, AllOf(HasSubstr("resnet9000"), HasSubstr("config.json")));
  write("run/model_best/config.json", "{\"architecture\": 7, \"model_args\": []}");
  EXPECT_FAILS(braid(command), 65, HasSubstr("config.json"));
  EXPECT_FAILS(braid("predict --checkpoint nowhere x.png"), 74, HasSubstr("nowhere"));
}

TEST_F(Faults, ClassesUnlikeTheCheckpoints) {
  write_images("data");
  ASSERT_EQ(train().code, 0);
  fs::rename(path("data/test/right"), path("data/test/up"));
  EXPECT_FAILS(braid("eval --checkpoint run --data data --split test"), 65, HasSubstr("up"));
  fs::rename(path("data/test/up"), path("data/test/right"));
  // Matched by name: a folder with one of the classes alone has that class's images right or wrong.
  const auto whole = Json::parse(braid("eval --checkpoint run --data data --format json").out);
  fs::create_directories(path("some"));
  fs::rename(path("data/test/right"), path("some/right"));
  const auto right = Json::parse(braid("eval --checkpoint run --data some --format json").out);
  EXPECT_EQ(right.at("count"), 6);
  EXPECT_EQ(right.at("confusion")[1], whole.at("confusion")[1]);
}

TEST_F(Faults, OutputIsProvedBeforeTheFirstEpoch) {
  write_images("data");
  write("run", "a file");
  EXPECT_FAILS(train(), 74, HasSubstr("run"));
  fs::remove(path("run"));
  // A file-size limit stands for a full disk.
  EXPECT_FAILS(braid("train --model resnet20 --data data --output run --batch-size 8 --epochs 1",
                     "ulimit -f 1; trap '' XFSZ;"),
               74, HasSubstr("run"));
  EXPECT_FALSE(fs::exists(path("run/summary.csv")));
}

TEST_F(Faults, ReadOnlyOutput) {
  write_images("data");
  EXPECT_FAILS(braid("train --model resnet20 --data data --output /proc/braid --epochs 1"), 74,
               HasSubstr("/proc/braid"));
}

TEST_F(Faults, ResumeWithOtherSettings) {
  write_images("data");
  ASSERT_EQ(train().code, 0);
  EXPECT_FAILS(train(), 64, HasSubstr("--resume"));
  EXPECT_FAILS(train("--resume --lr 0.5"), 78, HasSubstr("lr"));
  EXPECT_EQ(train("--resume").code, 0);
}

TEST_F(Faults, DivergenceStopsWithTheModulesName) {
  write_images("data");
  const auto result = braid(
      "train --model resnet20 --data data --batch-size 4 --epochs 9 --output run --lr 1e38 "
      "--warmup-epochs 0 --momentum 0");
  EXPECT_EQ(result.code, 65) << result.err;
  EXPECT_THAT(result.err, HasSubstr("not finite"));
}

TEST_F(Faults, InterruptSavesAndEndsCleanly) {
  write_images("data", 40);
  const auto result = braid(
      "train --model resnet20 --data data --batch-size 4 --epochs 100000 --threads 1 --output run "
      "& "
      "pid=$!; sleep 4; kill -INT $pid; wait $pid");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("stopped by     an interrupt"));
  EXPECT_TRUE(fs::exists(path("run/last/model.safetensors")));
}

TEST_F(Faults, FormatsAndSplits) {
  write_images("data");
  ASSERT_EQ(train().code, 0);
  EXPECT_FAILS(braid("eval --checkpoint run --data data --split tset"), 64, HasSubstr("test"));
  EXPECT_FAILS(braid("eval --checkpoint run --data data --format yaml"), 64, HasSubstr("format"));
  const auto csv = braid("predict --checkpoint run data/test/left/0.png --format csv --top 2");
  EXPECT_EQ(csv.code, 0);
  EXPECT_THAT(csv.out, HasSubstr("file,rank,class,probability\ndata/test/left/0.png,1,"));
}

}  // namespace
}  // namespace braid::test
