// Runs the real program in a folder of its own, on images that the test writes.
#pragma once
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "braid/io/image.h"

namespace braid::test {

class ProgramTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::temp_directory_path() /
              ("braid_" + std::string(info->test_suite_name()) + "_" + info->name() + "_" +
               std::to_string(::getpid()));
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  struct Result {
    int code = -1;    // the exit code; -1: ended by a signal
    std::string out;  // standard output
    std::string err;  // standard error
  };
  // arguments: shell words, run within the test's folder; before: shell commands, such as `ulimit`.
  Result braid(const std::string& arguments, const std::string& before = "") const {
    return run_program(BRAID_PROGRAM, arguments, before);
  }
  // The program for small devices, which lies beside it.
  Result braid_run(const std::string& arguments) const {
    return run_program(BRAID_PROGRAM "-run", arguments);
  }
  Result run_program(const std::string& program, const std::string& arguments,
                     const std::string& before = "") const {
    const std::string command = "cd " + folder_.string() + " && { " + before + " " + program + " " +
                                arguments + "; } >out.txt 2>err.txt </dev/null";
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text("out.txt"), text("err.txt")};
  }
  std::filesystem::path path(const std::string& name) const { return folder_ / name; }
  std::string text(const std::string& name) const {
    std::ifstream in(path(name), std::ios::binary);
    std::stringstream content;
    content << in.rdbuf();
    return content.str();
  }
  void write(const std::string& name, const std::string& bytes) const {
    std::filesystem::create_directories(path(name).parent_path());
    std::ofstream(path(name), std::ios::binary) << bytes;
  }

  // A PNG of side x side gray pixels with a bright left (label 0) or right half.
  static std::string png(int64_t label, int64_t index, int64_t side = 16) {
    io::Image image{.height = side, .width = side, .channels = 1, .pixels = {}};
    uint32_t noise = 2654435761u * static_cast<uint32_t>(index + 1);
    for (int64_t k = 0; k < side * side; ++k) {
      noise = noise * 1664525u + 1013904223u;
      const bool bright = (k % side < side / 2) == (label == 0);
      image.pixels.push_back(static_cast<uint8_t>((bright ? 120 : 40) + (noise >> 16) % 80));
    }
    const auto bytes = io::encode_png(image);
    return {bytes.begin(), bytes.end()};
  }
  // `folder`/train and `folder`/test with two classes.
  void write_images(const std::string& folder, int64_t train = 12, int64_t test = 6) const {
    for (int64_t label = 0; label < 2; ++label) {
      const std::string name = label == 0 ? "left" : "right";
      for (int64_t i = 0; i < train; ++i)
        write(folder + "/train/" + name + "/" + std::to_string(i) + ".png", png(label, i));
      for (int64_t i = 0; i < test; ++i)
        write(folder + "/test/" + name + "/" + std::to_string(i) + ".png", png(label, 100 + i));
    }
  }
  // A run of a few steps that ends well.
  Result train(const std::string& more = "") const {
    return braid(
        "train --model resnet20 --data data --batch-size 8 --epochs 1 --threads 1 --output run " +
        more);
  }

  std::filesystem::path folder_;
};

}  // namespace braid::test
