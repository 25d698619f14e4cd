// The command that a refused pickle's message prints, run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <string>

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

  // Saves the checkpoints, Python expressions, as the files in the folder. Importing torch takes a
  // process seconds.
  void save(const std::map<std::string, std::string>& checkpoints) const {
    std::ofstream script(folder_ / "make.py");
    script << "import argparse, os, sys, torch\nos.chdir(sys.argv[1])\n"
              "w = lambda v: {'fc.weight': torch.full((2, 3), v)}\n";
    for (const auto& [file, checkpoint] : checkpoints)
      script << "torch.save(" << checkpoint << ", '" << file << "')\n";
    script.close();
    ASSERT_EQ(std::system((std::string(kPython) + " " + (folder_ / "make.py").string() + " " +
                           folder_.string())
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

TEST_F(PickleRemedy, TakesWhatTimmTakesFromAnyPath) {
  save(
      {// As timm's CheckpointSaver writes it; timm's load_state_dict prefers state_dict_ema.
       {"ema.pth",
        "{'epoch': 3, 'arch': 'resnet18', 'state_dict': w(1.), 'version': 2, 'metric': 71.5, "
        "'args': argparse.Namespace(lr=0.1, model='resnet18', opt_betas=None), "
        "'optimizer': {'state': {0: {'step': torch.tensor(1.)}}, 'param_groups': [{'lr': 0.1}]}, "
        "'state_dict_ema': w(2.)}"},
       {"plain.pth", "{'state_dict': w(1.), 'state_dict_ema': None, 'args': argparse.Namespace()}"},
       {"deit.pth", "{'model': w(3.), 'model_ema': w(4.)}"},
       {"bare.bin", "w(5.)"}});
  EXPECT_EQ(convert(folder_ / "ema.pth"), 2);
  EXPECT_EQ(convert(folder_ / "plain.pth"), 1);
  EXPECT_EQ(convert(folder_ / "deit.pth"), 4);
  EXPECT_EQ(convert(folder_ / "bare.bin"), 5);
  // In any folder, under any name.
  const fs::path odd = folder_ / "it's $HOME; a `name`.pth";
  fs::rename(folder_ / "plain.pth", odd);
  fs::remove(folder_ / "plain.safetensors");
  EXPECT_EQ(convert(odd), 1);
}

}  // namespace
}  // namespace braid::io
