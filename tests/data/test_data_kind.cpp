// What --data names, told by the names of files.
#include "braid/data/data_kind.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace braid::data {
namespace {

namespace fs = std::filesystem;

class KindOfData : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::temp_directory_path() / ("braid_data_kind_" + std::to_string(::getpid()));
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  void TearDown() override { fs::remove_all(root_); }
  void write(const std::string& name, const std::string& text = "a\tb\n") {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name) << text;
  }
  fs::path root_;
};

TEST_F(KindOfData, ClassFoldersOfImages) {
  write("train/cat/1.jpg");
  write("train/dog/2.png");
  EXPECT_EQ(kind_of_data(root_.string()), DataKind::kImages);
  EXPECT_EQ(kind_of_data("fashion-mnist"), DataKind::kImages);
  EXPECT_EQ(kind_of_data((root_ / "nowhere").string()), DataKind::kImages);
}

TEST_F(KindOfData, FilesOfRows) {
  write("train.tsv");
  write("dev.tsv");
  write("README.md");
  EXPECT_EQ(kind_of_data(root_.string()), DataKind::kLabelledText);
  write("one.jsonl", R"({"text": "a", "label": 1})");
  EXPECT_EQ(kind_of_data((root_ / "one.jsonl").string()), DataKind::kLabelledText);
}

TEST_F(KindOfData, ClassFoldersOfTexts) {
  write("train/pos/1.txt", "fine");
  write("train/neg/2.txt", "poor");
  EXPECT_EQ(kind_of_data(root_.string()), DataKind::kLabelledText);
}

TEST_F(KindOfData, ParallelFiles) {
  write("train.en", "a\n");
  write("train.de", "b\n");
  write("test_2016_flickr.en", "a\n");
  write("test_2016_flickr.de", "b\n");
  EXPECT_EQ(kind_of_data(root_.string()), DataKind::kParallelText);
}

TEST_F(KindOfData, PlainText) {
  write("corpus.txt", "only words\nand more\n");
  EXPECT_EQ(kind_of_data((root_ / "corpus.txt").string()), DataKind::kPlainText);
  EXPECT_EQ(kind_of_data(root_.string()), DataKind::kPlainText);
}

}  // namespace
}  // namespace braid::data
