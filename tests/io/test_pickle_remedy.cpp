// The command that a refused pickle's message prints, run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>

#include "braid/core/error.h"
#include "braid/io/safetensors.h"

namespace braid::io {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr const char* kPython = BRAID_TEST_SOURCE_DIR "/../.venv/bin/python";

class PickleRemedy : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_);
    if (std::system((std::string(kPython) + " -c 'import torch, safetensors.torch' >/dev/null 2>&1")
                        .c_str()) != 0)
      GTEST_SKIP() << "no torch and safetensors in .venv";
  }
  void TearDown() override { fs::remove_all(folder_); }

  void save(const std::string& checkpoint, const fs::path& file) const {
    std::ofstream(folder_ / "make.py") << "import argparse, sys, torch\n"
                                          "w = lambda v: {'fc.weight': torch.full((2, 3), v)}\n"
                                          "torch.save("
                                       << checkpoint << ", sys.argv[1])\n";
    ASSERT_EQ(std::system((std::string(kPython) + " " + (folder_ / "make.py").string() + " \"" +
                           file.string() + "\"")
                              .c_str()),
              0);
  }
  // The message's command, with this project's Python; then the first number of the file that it
  // writes.
  float convert(const fs::path& file) const {
    std::string message;
    try {
      find_weight_files(file);
    } catch (const DataError& e) {
      message = e.what();
    }
    const auto at = message.find("convert it: python ");
    if (at == std::string::npos) return -1;
    const std::string command =
        kPython + message.substr(at + std::string("convert it: python").size());
    std::ofstream(folder_ / "convert.sh") << command << "\n";
    EXPECT_EQ(std::system(("sh " + (folder_ / "convert.sh").string()).c_str()), 0) << command;
    fs::path output = file;
    output.replace_extension(".safetensors");
    const auto converted = SafetensorsFile::read(output);
    EXPECT_EQ(converted.tensors().size(), 1u);
    const auto& view = converted.at("fc.weight");
    float value = 0;
    std::vector<std::byte> bytes(24);
    converted.read_tensor(view, bytes);
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }
  fs::path folder_ = fs::temp_directory_path() / ("braid_pickle_" + std::to_string(::getpid()));
};

TEST_F(PickleRemedy, TakesFromATrainingCheckpointWhatTimmTakes) {
  // As timm's CheckpointSaver writes it; timm's load_state_dict prefers state_dict_ema.
  save(
      "{'epoch': 3, 'arch': 'resnet18', 'state_dict': w(1.), 'version': 2, 'metric': 71.5, "
      "'args': argparse.Namespace(lr=0.1, model='resnet18', opt_betas=None), "
      "'optimizer': {'state': {0: {'step': torch.tensor(1.)}}, 'param_groups': [{'lr': 0.1}]}, "
      "'state_dict_ema': w(2.)}",
      folder_ / "model_best.pth.tar");
  fs::rename(folder_ / "model_best.pth.tar", folder_ / "ema.pth");
  EXPECT_EQ(convert(folder_ / "ema.pth"), 2);
  save("{'state_dict': w(1.), 'state_dict_ema': None, 'args': argparse.Namespace()}",
       folder_ / "plain.pth");
  EXPECT_EQ(convert(folder_ / "plain.pth"), 1);
  save("{'model': w(3.), 'model_ema': w(4.)}", folder_ / "deit.pth");
  EXPECT_EQ(convert(folder_ / "deit.pth"), 4);
  save("w(5.)", folder_ / "bare.bin");
  EXPECT_EQ(convert(folder_ / "bare.bin"), 5);
}

TEST_F(PickleRemedy, TakesAnyPath) {
  const fs::path odd = folder_ / "it's $HOME; a `name`.pth";
  save("w(6.)", folder_ / "plain.pth");
  fs::rename(folder_ / "plain.pth", odd);
  EXPECT_EQ(convert(odd), 6);
}

}  // namespace
}  // namespace braid::io
