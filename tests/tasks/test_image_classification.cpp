// Image classification and distillation as tasks.
#include "braid/tasks/image_classification.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include "braid/core/error.h"
#include "braid/data/memory_dataset.h"
#include "braid/runtime/eval_scope.h"
#include "braid/tasks/distillation.h"
#include "braid/tasks/inference.h"
#include "braid/tasks/loss.h"
#include "braid/tasks/make_image_task.h"
#include "braid/tasks/predictor.h"

namespace braid::tasks {
namespace {

namespace fs = std::filesystem;

// 12 gray images of 12 pixels in three classes; counts what is decoded.
class Shades final : public data::Dataset {
 public:
  explicit Shades(std::vector<std::string> classes = {"a", "b", "c"})
      : classes_(std::move(classes)) {}
  int64_t size() const override { return 12; }
  data::Example get(int64_t i) const override {
    ++decoded;
    data::Example example{{12, 12, 1, {}}, label(i)};
    for (int64_t k = 0; k < 144; ++k)
      example.image.pixels.push_back(static_cast<uint8_t>((i * 37 + k * 11) % 251));
    return example;
  }
  int64_t label(int64_t i) const override { return i % 3; }
  std::string describe(int64_t i) const override { return std::to_string(i); }
  const std::vector<std::string>& classes() const override { return classes_; }
  int64_t channels() const override { return 1; }
  mutable std::atomic<int64_t> decoded{0};

 private:
  std::vector<std::string> classes_;
};

class ImageTask : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / ("braid_image_task_" + std::to_string(::getpid()));
    fs::remove_all(root_);
    fs::create_directories(root_);
    shades_ = std::make_shared<Shades>();
    splits_.train = splits_.val = shades_;
    config_.model = "vit_lite_2_4_32";
    config_.data = "shades";
  }
  void TearDown() override { fs::remove_all(root_); }
  std::unique_ptr<Task> make(const ImageTaskOptions& options = {}) {
    return make_image_task(config_, splits_, options, silent_);
  }
  data::Batch batch() const {
    torch::manual_seed(2);
    return {{{data::kPixelValues, torch::randn({4, 1, 12, 12})},
             {data::kLabels, torch::tensor({0, 1, 2, 0}, torch::kInt64)}},
            {0, 1, 2, 3}};
  }

  fs::path root_;
  std::shared_ptr<Shades> shades_;
  data::Splits splits_;
  TaskConfig config_;
  Progress silent_;
};

TEST_F(ImageTask, AResumeFetchesAndMeasuresNothing) {
  config_.weights = "";
  make()->save(root_);
  shades_->decoded = 0;
  config_.weights = "hf-hub:nobody/nowhere";
  const auto task = make({.checkpoint = root_});
  EXPECT_EQ(shades_->decoded, 0);
  fs::create_directories(root_ / "again");
  task->save(root_ / "again");
  EXPECT_EQ(read_json(root_ / "again/config.json"), read_json(root_ / "config.json"));
  splits_.train = std::make_shared<Shades>(std::vector<std::string>{"a", "b", "d"});
  EXPECT_THROW(make({.checkpoint = root_}), DataError) << "other classes than the run began with";
}

TEST_F(ImageTask, KeptStatisticsAreNotMeasuredAgain) {
  const auto statistics = std::make_shared<data::SharedStatistics>(splits_.train);
  const auto alone = make();
  const int64_t once = shades_->decoded;
  shades_->decoded = 0;
  for (int k = 0; k < 3; ++k) make({.statistics = statistics});
  EXPECT_EQ(shades_->decoded, once + 2) << "after the first only its size is looked at";
}

TEST_F(ImageTask, TheFirstConvolutionWhitensOnRequest) {
  config_.model = "airbench_nano";
  const auto bias_of = [&] { return make()->model().named_parameters()["whiten.bias"]; };
  EXPECT_GT(bias_of().abs().max().item<double>(), 0) << "drawn at random";
  config_.image.whiten_stem = true;
  EXPECT_EQ(bias_of().abs().max().item<double>(), 0) << "set by the images";
  config_.model = "vit_lite_2_4_32";
  EXPECT_THROW(make(), ConfigError) << "no such convolution";
  config_.model = "airbench_nano";
  config_.weights = (root_ / "model.safetensors").string();
  EXPECT_THROW(make(), Error) << "weights have their own";
}

TEST_F(ImageTask, TheStepIsTheMeanOverItsImages) {
  config_.smoothing = 0.1;
  const auto task = make();
  task->model().eval();
  const auto step = task->training_step(batch());
  EXPECT_EQ(step.weight, 4);
  const auto logits = task->forward(batch());
  EXPECT_TRUE(step.loss.equal(cross_entropy(logits, batch().at(data::kLabels), 0.1)));
  auto mixed = batch();
  mixed.tensors[data::kSoftLabels] = torch::full({4, 3}, 1.0 / 3);
  EXPECT_TRUE(task->training_step(mixed).loss.equal(
      soft_cross_entropy(logits, mixed.at(data::kSoftLabels))));
}

TEST_F(ImageTask, ABalancedSamplerShowsRareClassesAsOften) {
  std::vector<int64_t> mostly_a;  // 80 of a, 4 of b, none of c
  for (int64_t k = 0; k < 80; ++k) mostly_a.push_back(3 * (k % 4));
  for (int64_t k = 0; k < 4; ++k) mostly_a.push_back(1 + 3 * k);
  splits_.train = data::subset(shades_, mostly_a);
  const auto of_b = [&] {
    const auto loader = make()->training_loader({.batch_size = 12, .workers = 0, .seed = 1});
    EXPECT_EQ(loader->size(), 7);
    int64_t count = 0;
    for (const int64_t epoch : {0, 1, 2}) {
      loader->start_epoch(epoch);
      while (const auto batch = loader->next())
        count += batch->at(data::kLabels).eq(1).sum().item<int64_t>();
    }
    return count;
  };
  EXPECT_EQ(of_b(), 12);
  config_.sampler = "balanced";
  EXPECT_NEAR(static_cast<double>(of_b()), 126, 30);
  config_.class_weights = "balanced";
  EXPECT_THROW(make(), ConfigError) << "balanced twice";
}

TEST_F(ImageTask, EvaluationLeavesTheModeAndTheOrder) {
  const auto task = make();
  task->model().train();
  const auto scores = task->evaluate(Split::kVal, {.workers = 0}, silent_);
  EXPECT_TRUE(task->model().is_training());
  ASSERT_EQ(scores.size(), 2u);
  EXPECT_EQ(scores[0].name, "top1") << "chooses the best epoch";
  EXPECT_TRUE(scores[0].higher_is_better);
  EXPECT_EQ(scores[1].name, "loss");
  EXPECT_FALSE(scores[1].higher_is_better);
  EXPECT_THROW(task->evaluate(Split::kTest, {}, silent_), DataError);
}

TEST_F(ImageTask, ATeacherSharesTheLoss) {
  const fs::path teacher = root_ / "teacher";
  fs::create_directories(teacher);
  make({.seed = 9})->save(teacher);
  for (const char* type : {"soft", "hard"}) {
    config_.distillation = {
        .teacher = "", .distillation_type = type, .distillation_alpha = 0.3, .distillation_tau = 2};
    const auto alone = make();
    config_.distillation.teacher = teacher.string();
    const auto taught = make();
    alone->model().eval();
    taught->model().eval();
    const auto logits = alone->forward(batch());
    const Predictor judge(models::load_for_inference(teacher));
    const auto expected = alone->training_step(batch()).loss * 0.7 +
                          distillation_loss(logits, judge.logits(batch()), type, 2) * 0.3;
    EXPECT_NEAR(taught->training_step(batch()).loss.item<double>(), expected.item<double>(), 1e-6);
  }
  splits_.train = splits_.val = std::make_shared<Shades>(std::vector<std::string>{"x", "y", "z"});
  EXPECT_THROW(make(), DataError) << "a teacher of other classes";
}

// A pixel is another number to a teacher that was trained with another mean and deviation.
TEST_F(ImageTask, ATeacherSeesImagesNormalizedAsItsOwn) {
  constexpr double kMean = 0.9, kDeviation = 0.05;
  const fs::path teacher = root_ / "teacher";
  fs::create_directories(teacher);
  make({.seed = 9})->save(teacher);
  Json card = read_json(teacher / "config.json");
  card["pretrained_cfg"]["mean"] = std::vector<double>{kMean};
  card["pretrained_cfg"]["std"] = std::vector<double>{kDeviation};
  std::ofstream(teacher / "config.json") << card.dump();
  config_.distillation = {.teacher = teacher.string(),
                          .distillation_type = "soft",
                          .distillation_alpha = 1,
                          .distillation_tau = 1};
  const auto taught = make();
  taught->model().eval();
  const ImageClassification student(config_, splits_, {}, silent_);
  const auto& input = student.card().input;
  auto own = batch();
  own.tensors[data::kPixelValues] =
      (own.at(data::kPixelValues) * input.std.at(0) + input.mean.at(0) - kMean) / kDeviation;
  const Predictor judge(models::load_for_inference(teacher));
  const auto expected = distillation_loss(taught->forward(batch()), judge.logits(own), "soft", 1);
  EXPECT_NEAR(taught->training_step(batch()).loss.item<double>(), expected.item<double>(), 1e-6);
}

// The device is the model's: options that name another one cannot be given.
TEST_F(ImageTask, RunsWhereTheModelIs) {
  if (!torch::cuda::is_available()) GTEST_SKIP() << "no CUDA device";
  ImageClassification task(config_, splits_, {}, silent_);
  const auto on_cpu =
      run_model(task.model(), splits_.val, task.card().input, {.workers = 0}, silent_);
  task.to(torch::Device(torch::kCUDA));
  const auto on_cuda =
      run_model(task.model(), splits_.val, task.card().input, {.workers = 0}, silent_);
  EXPECT_TRUE(on_cuda.logits.allclose(on_cpu.logits, 1e-3, 1e-3));
}

TEST_F(ImageTask, AThrowingForwardLeavesTheMode) {
  ImageClassification task(config_, splits_, {}, silent_);
  task.model().train();
  auto input = task.card().input;
  input.channels = 3;
  input.mean = input.std = {0.5, 0.5, 0.5};
  EXPECT_ANY_THROW(run_model(task.model(), splits_.val, input, {.workers = 0}, silent_));
  EXPECT_TRUE(task.model().is_training());
  EXPECT_TRUE(torch::GradMode::is_enabled());
}

TEST_F(ImageTask, ThePredictorIsTheEvaluation) {
  make()->save(root_);
  const Predictor predictor(models::load_for_inference(root_));
  auto loaded = models::load_for_inference(root_);
  const auto all = run_model(*loaded.model, splits_.val, loaded.hub.input,
                             {.batch_size = 12, .workers = 0}, silent_);
  std::vector<io::Image> images;
  for (int64_t i = 0; i < 12; ++i) images.push_back(shades_->get(i).image);
  EXPECT_TRUE(predictor.probabilities(images).allclose(all.logits.softmax(1), 1e-5, 1e-6));
  EXPECT_EQ(predictor.class_name(1), "b");
  EXPECT_EQ(predictor.class_name(7), "7");
}

}  // namespace
}  // namespace braid::tasks
