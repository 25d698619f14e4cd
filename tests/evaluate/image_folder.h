// Small images in class folders, for tests of what reads a data set.
#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "braid/io/image.h"

namespace braid::evaluate {

class ImageFolderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(testing::TempDir()) /
              (std::string("braid_") + info->test_suite_name() + "_" + info->name());
    std::filesystem::remove_all(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // A PNG of 16 x 16 gray pixels; seeds give other images of other brightness.
  void write_image(const std::string& file, uint32_t seed) const {
    io::Image image{.height = 16, .width = 16, .channels = 1, .pixels = {}};
    for (uint32_t k = 0; k < 256; ++k)
      image.pixels.push_back(static_cast<uint8_t>((seed * 97 + 31 * k) % (60 + 17 * (seed % 11))));
    const auto bytes = io::encode_png(image);
    write(file, {bytes.begin(), bytes.end()});
  }
  void write(const std::string& file, const std::string& bytes) const {
    std::filesystem::create_directories((folder_ / file).parent_path());
    std::ofstream(folder_ / file, std::ios::binary) << bytes;
  }
  std::filesystem::path folder_;
};

}  // namespace braid::evaluate
