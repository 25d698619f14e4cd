// A model's tensors split over files, what is cleared away, and what a kill leaves.
#include "braid/io/weight_shards.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "braid/core/error.h"
#include "braid/io/atomic_file.h"

namespace braid::io {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class WeightShards : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() /
              ("braid_shards_" + std::to_string(::getpid()) + "_" +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // Tensors a, b, ... of so many bytes, each filled with its own number.
  void write(const std::vector<size_t>& sizes, uint64_t most) {
    std::map<std::string, std::vector<uint8_t>> data;
    std::map<std::string, TensorView> views;
    for (size_t i = 0; i < sizes.size(); ++i) {
      const std::string name(1, static_cast<char>('a' + i));
      data[name].assign(sizes[i], static_cast<uint8_t>(i));
      views[name] = {"U8",
                     {static_cast<int64_t>(sizes[i])},
                     std::as_bytes(std::span<const uint8_t>(data[name]))};
    }
    write_weights(folder_, views, most, {{"format", "pt"}});
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_))
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }

  fs::path folder_;
};

TEST_F(WeightShards, OneFileUpToTheSize) {
  write({4, 6}, 10);
  EXPECT_THAT(files(), ElementsAre("model.safetensors"));
}

TEST_F(WeightShards, SplitsAsHuggingFaceDoes) {
  write({6, 6, 2, 20, 6, 2, 2}, 10);  // the example of huggingface_hub, and one that is too large
  EXPECT_THAT(files(),
              ElementsAre("model-00001-of-00004.safetensors", "model-00002-of-00004.safetensors",
                          "model-00003-of-00004.safetensors", "model-00004-of-00004.safetensors",
                          "model.safetensors.index.json"));
  const auto index = nlohmann::json::parse(std::ifstream(folder_ / kWeightIndexName));
  EXPECT_EQ(index.at("metadata").at("total_size"), 44);
  std::map<std::string, std::string> last_digit;
  for (const auto& [name, file] : index.at("weight_map").items())
    last_digit[name] = file.get<std::string>().substr(10, 1);
  EXPECT_EQ(
      last_digit,
      (std::map<std::string, std::string>{
          {"a", "1"}, {"b", "3"}, {"c", "3"}, {"d", "2"}, {"e", "4"}, {"f", "4"}, {"g", "4"}}));
  size_t found = 0;
  for (const auto& path : find_weight_files(folder_)) {
    const auto file = SafetensorsFile::read(path);
    for (const auto& item : file.tensors()) {
      EXPECT_EQ(static_cast<int>(file.bytes(item.first)[0]), item.first[0] - 'a');
      ++found;
    }
  }
  EXPECT_EQ(found, 7u);
}

TEST_F(WeightShards, ClearsWhatWasThereBefore) {
  write({6, 6, 6}, 10);
  std::ofstream(folder_ / "config.json") << "{}";
  std::ofstream(folder_ / "model-00001-of-00003.txt") << "a note";
  write({6, 6}, 10);
  EXPECT_THAT(files(), ElementsAre("config.json", "model-00001-of-00002.safetensors",
                                   "model-00001-of-00003.txt", "model-00002-of-00002.safetensors",
                                   "model.safetensors.index.json"));
  write({6, 6}, 100);
  EXPECT_THAT(files(), ElementsAre("config.json", "model-00001-of-00003.txt", "model.safetensors"));
  write({6, 6}, 10);
  EXPECT_EQ(find_weight_files(folder_).size(), 2u) << "the single file went";
}

TEST_F(WeightShards, WithoutItsIndexTheFolderIsRefused) {
  write({6, 6}, 10);
  fs::remove(folder_ / kWeightIndexName);  // as a kill between the renames leaves it
  EXPECT_THROW(find_weight_files(folder_), IoError);
}

TEST_F(WeightShards, ClearsALeftoverAndRefusesAFileAsFolder) {
  fs::create_directories(folder_);
  std::ofstream(folder_ / ".shards.new") << "of a call that was killed";
  write({6, 6}, 10);
  EXPECT_FALSE(fs::exists(folder_ / ".shards.new"));
  EXPECT_EQ(find_weight_files(folder_).size(), 2u);
  fs::remove_all(folder_);
  std::ofstream(folder_) << "a file";
  EXPECT_THROW(write({6, 6}, 10), IoError);
}

TEST(ByteSize, IsHuggingFacesNotation) {
  EXPECT_EQ(parse_byte_size("5GB"), 5'000'000'000u);
  EXPECT_EQ(parse_byte_size(" 1.5 mb"), 1'500'000u);
  EXPECT_EQ(parse_byte_size("2KiB"), 2048u);
  for (const char* bad : {"", "5", "GB", "-1GB", "0KB", "5Gb/s", "nanGB", "1e30TB", "5XB", "0.1"})
    EXPECT_THROW(parse_byte_size(bad), UsageError) << bad;
}

TEST(Pickles, AreRefusedByNameAndInFolders) {
  EXPECT_TRUE(is_pickle("a/resnet.pth.tar"));
  EXPECT_FALSE(is_pickle("data.tar"));
  EXPECT_FALSE(is_pickle("model.safetensors"));
  const auto message = [](const fs::path& path) -> std::string {
    try {
      find_weight_files(path);
    } catch (const DataError& e) {
      return e.what();
    }
    return "no error";
  };
  EXPECT_THAT(message("x/best.pth.tar"), HasSubstr("'x/best.pth.tar' 'x/best.safetensors'"));
  EXPECT_THAT(message("last.ckpt"), HasSubstr("'last.ckpt' 'last.safetensors'"));
  const auto folder = fs::temp_directory_path() / ("braid_pickles_" + std::to_string(::getpid()));
  fs::create_directories(folder);
  std::ofstream(folder / "pytorch_model.bin") << "PK";
  EXPECT_THAT(message(folder), HasSubstr((folder / "model.safetensors").string()));
  fs::remove_all(folder);
}

}  // namespace
}  // namespace braid::io
