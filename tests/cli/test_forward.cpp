// braid forward as its users run it: files written, exit codes.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "braid/runtime/tensor_file.h"
#include "braid/torch.h"

namespace braid {
namespace {

namespace fs = std::filesystem;

class Forward : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() /
              ("braid_forward_" + std::to_string(::getpid()) + "_" +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  // The exit code; standard error goes to the file `stderr`.
  int braid(const std::string& arguments) const {
    const std::string command = std::string(BRAID_PROGRAM) + " forward " + arguments + " >" +
                                path("stdout") + " 2>" + path("stderr");
    const int status = std::system(command.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  void write_input(const std::vector<int64_t>& shape) const {
    runtime::save_tensors({{"input", torch::ones(shape)}}, path("in.safetensors"));
  }
  std::string files() const {
    return "--input " + path("in.safetensors") + " --output " + path("out.safetensors");
  }

  fs::path folder_;
};

TEST_F(Forward, WritesAndReadsWeightsOfEveryFamily) {
  write_input({2, 1, 28, 28});
  for (const char* name : {"resnet20", "vit_lite_7_4_32", "cct_2_3x2_32", "coatnet_pico_32"}) {
    const std::string weights = path("w.safetensors");
    ASSERT_EQ(braid(std::string(name) + " --init 3 --num-classes 5 --save-weights " + weights +
                    " " + files()),
              0)
        << name;
    const auto first = runtime::load_tensors(path("out.safetensors"));
    ASSERT_EQ(braid(std::string(name) + " --weights " + weights + " " + files()), 0) << name;
    const auto second = runtime::load_tensors(path("out.safetensors"));
    EXPECT_EQ(first.at("logits").sizes(), (std::vector<int64_t>{2, 5}));
    EXPECT_TRUE(torch::equal(first.at("logits"), second.at("logits"))) << name;
    EXPECT_TRUE(torch::equal(first.at("features"), second.at("features"))) << name;
    ASSERT_EQ(braid(std::string(name) + " --weights " + weights + " --grads " +
                    path("g.safetensors") + " " + files()),
              0);
    EXPECT_GT(runtime::load_tensors(path("g.safetensors")).size(), 10u);
  }
}

TEST_F(Forward, ReparameterizedWeightsComputeTheSame) {
  write_input({1, 3, 64, 64});
  for (const char* name : {"fastvit_t8", "repvit_m1"}) {
    const std::string model = std::string(name) + " --num-classes 5 ";
    ASSERT_EQ(
        braid(model + "--init 3 --save-weights " + path("trained.safetensors") + " " + files()), 0);
    const auto before = runtime::load_tensors(path("out.safetensors")).at("logits");
    ASSERT_EQ(braid(model + "--weights " + path("trained.safetensors") +
                    " --reparameterize --save-weights " + path("deployed.safetensors")),
              0);
    EXPECT_LT(runtime::load_tensors(path("deployed.safetensors")).size(),
              runtime::load_tensors(path("trained.safetensors")).size());
    ASSERT_EQ(braid(model + "--model-kwargs '{\"inference_mode\":true}' --weights " +
                    path("deployed.safetensors") + " " + files()),
              0);
    const auto after = runtime::load_tensors(path("out.safetensors")).at("logits");
    EXPECT_LT((after - before).abs().max().item<double>(), 1e-4 * before.abs().max().item<double>())
        << name;
  }
}

TEST_F(Forward, RefusesWrongArguments) {
  write_input({1, 3, 32, 32});
  EXPECT_EQ(braid("resnet2O --init 0 " + files()), 64);  // a letter O
  EXPECT_EQ(braid("resnet20 " + files()), 64);
  EXPECT_EQ(braid("resnet20 --init 0"), 64);
  EXPECT_EQ(braid("resnet20 --init 0 --device quantum " + files()), 64);
  EXPECT_EQ(braid("resnet20 --init 0 --model-kwargs [1 " + files()), 64);
  EXPECT_EQ(braid("resnet20 --init 0 --model-kwargs '{\"depht\":1}' " + files()), 78);
  EXPECT_EQ(braid("resnet20 --init 0 --dtype float31 " + files()), 78);
  EXPECT_EQ(braid("coatnet_pico_32 --init 0 --img-size 40 " + files()), 64);
}

TEST_F(Forward, RefusesWrongFiles) {
  write_input({1, 3, 32, 32});
  EXPECT_EQ(braid("resnet20 --weights " + path("absent.safetensors") + " " + files()), 74);
  std::ofstream(path("cut.safetensors")) << "not a header";
  EXPECT_EQ(braid("resnet20 --weights " + path("cut.safetensors") + " " + files()), 65);
  ASSERT_EQ(braid("resnet56 --init 0 --save-weights " + path("other.safetensors")), 0);
  EXPECT_EQ(braid("resnet20 --weights " + path("other.safetensors") + " " + files()), 65);
  EXPECT_EQ(braid("resnet20 --init 0 --in-chans 1 " + files()), 65);
  write_input({3, 32, 32});
  EXPECT_EQ(braid("resnet20 --init 0 " + files()), 65);
  runtime::save_tensors({{"x", torch::ones({1, 3, 32, 32})}}, path("in.safetensors"));
  EXPECT_EQ(braid("resnet20 --init 0 " + files()), 65);
}

}  // namespace
}  // namespace braid
