// Which images a folder holds, of which classes and splits, and what is left out and said.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "braid/core/error.h"
#include "braid/data/bad_samples.h"
#include "braid/data/check.h"
#include "braid/data/image/class_folders.h"
#include "braid/data/image/image_inputs.h"
#include "braid/data/open_dataset.h"
#include "braid/data/summary.h"

namespace braid::data {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Names = std::vector<std::string>;

class ImageFolderTest : public ::testing::Test {
 protected:
  void SetUp() override { fs::create_directories(root_); }
  void TearDown() override { fs::remove_all(root_); }
  void image(const std::string& name, uint8_t value = 9, int64_t channels = 3) const {
    io::Image pixels{.height = 4, .width = 4, .channels = channels, .pixels = {}};
    pixels.pixels.assign(static_cast<size_t>(16 * channels), value);
    const auto png = io::encode_png(pixels);
    text(name, {png.begin(), png.end()});
  }
  void text(const std::string& name, const std::string& content) const {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name, std::ios::binary) << content;
  }
  Splits open(const SourceOptions& options = {}) const {
    return open_source(root_.string(), options);
  }
  Names files(const DatasetPtr& dataset) const {
    Names names;
    for (int64_t i = 0; i < dataset->size(); ++i)
      names.push_back(fs::path(dataset->describe(i)).lexically_relative(root_).string());
    return names;
  }
  std::string error() const {
    try {
      open();
    } catch (const DataError& e) {
      return e.what();
    }
    return "no error";
  }
  fs::path root_ = fs::temp_directory_path() / ("braid_image_folder_" + std::to_string(::getpid()));
};

// The orders are timm 1.0.31's (its ReaderImageFolder on such folders).
TEST_F(ImageFolderTest, ClassesAreInTimmsOrder) {
  for (int k = 1; k <= 11; ++k) image(std::to_string(k) + "/a.png");
  EXPECT_EQ(open().train->classes(),
            (Names{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"}));
  EXPECT_EQ(files(open().train).at(1), "2/a.png");
  EXPECT_EQ(open().train->label(10), 10);
  fs::remove_all(root_);
  for (const char* name : {"Zebra", "ant", "Bee", "cat"}) image(std::string(name) + "/a.png");
  EXPECT_EQ(open().train->classes(), (Names{"ant", "Bee", "cat", "Zebra"}));
}

TEST_F(ImageFolderTest, ACheckpointsOrderHoldsWhereTheClassesAreTheSame) {
  for (const char* name : {"2", "10", "Zebra", "ant"})
    image("train/" + std::string(name) + "/a.png");
  image("test/ant/a.png");
  const Names old = {"10", "2", "Zebra", "ant"};
  const auto splits = open({.class_order = old});
  EXPECT_EQ(splits.train->classes(), old);
  EXPECT_EQ(files(splits.train).front(), "train/10/a.png");
  EXPECT_EQ(splits.test->label(0), 3);
  for (const Names& other : {Names{"10", "2", "Zebra"}, Names{"10", "2", "Zebra", "bee"},
                             Names{"10", "2", "Zebra", "ant", "bee"}})
    EXPECT_EQ(open({.class_order = other}).train->classes(), (Names{"2", "10", "ant", "Zebra"}));
}

TEST_F(ImageFolderTest, SplitsAreMappedByName) {
  for (const char* name : {"a", "b", "c"}) image("train/" + std::string(name) + "/1.png");
  image("val/c/1.png"), image("test/b/1.png"), image("test/c/1.png");
  const auto splits = open();
  EXPECT_EQ(splits.val->classes(), splits.train->classes());
  EXPECT_EQ(splits.val->label(0), 2);
  EXPECT_EQ(splits.test->label(0), 1);
  image("test/d/1.png"), image("test/e/1.png");
  EXPECT_THAT(error(), AllOf(HasSubstr("'d', 'e'"), HasSubstr("test"), HasSubstr("train images")));
  fs::remove_all(root_ / "train");
  EXPECT_EQ(open().val->classes(), (Names{"b", "c", "d", "e"})) << "all that there are";
}

TEST_F(ImageFolderTest, SplitFoldersHaveManyNames) {
  const std::vector<std::array<const char*, 3>> layouts = {{"train", "val", "test"},
                                                           {"Train", "Val", "Test"},
                                                           {"TRAINING", "Validation", "Testing"},
                                                           {"training", "valid", "testing"},
                                                           {"train", "dev", "test"},
                                                           {"train", "eval", "test"},
                                                           {"my_train", "my_val", "my_test"},
                                                           {"train-2017", "val2017", "test set"},
                                                           {"cats.train", "cats.dev", "cats.test"}};
  for (const auto& [train, val, test] : layouts) {
    for (const auto* split : {train, val, test})
      for (const char* name : {"x", "y"}) image(std::string(split) + "/" + name + "/1.png");
    const auto splits = open();
    EXPECT_FALSE(splits.unsplit) << train;
    EXPECT_EQ(files(splits.train).at(0), std::string(train) + "/x/1.png");
    EXPECT_EQ(files(splits.val).at(0), std::string(val) + "/x/1.png");
    EXPECT_EQ(files(splits.test).at(0), std::string(test) + "/x/1.png");
    fs::remove_all(root_);
  }
  for (const char* split : {"train", "val", "eval", "extra"})
    image(std::string(split) + "/x/1.png");
  const auto splits = open();
  EXPECT_EQ(files(splits.test).at(0), "eval/x/1.png") << "as val is there";
  ASSERT_EQ(splits.left_out.size(), 1u);
  EXPECT_THAT(splits.left_out[0].folders, ElementsAre("extra"));
  EXPECT_THAT(remarks_on(splits, "data").at(0), HasSubstr("extra"));
}

TEST_F(ImageFolderTest, AClassMayBeCalledLikeASplit) {
  for (const char* name : {"bus", "car", "train", "test"}) image(std::string(name) + "/1.png");
  const auto splits = open();
  EXPECT_TRUE(splits.unsplit);
  EXPECT_EQ(splits.train->classes(), (Names{"bus", "car", "test", "train"}));
  EXPECT_THAT(splits.remarks, ElementsAre(HasSubstr("'test', 'train' are read as classes")));
  fs::remove_all(root_ / "train");
  image("test/old/1.png");  // folders within a class
  EXPECT_EQ(open().train->classes(), (Names{"bus", "car", "test"}));
  fs::remove_all(root_);
  image("bullet_train/japan/1.png"), image("car/suv/1.png");
  EXPECT_EQ(open().train->classes(), (Names{"bullet_train", "car"}));
  fs::remove_all(root_);
  image("train/1.png"), image("test/2.png");
  EXPECT_THAT(error(), AllOf(HasSubstr("'test', 'train'"), HasSubstr("<split>/<class>")));
}

TEST_F(ImageFolderTest, WhatIsLeftOutIsCountedAndSaidInOneLine) {
  image("train/a/1.png"), image("train/b/1.png"), image("val/a/1.png");
  image("train/a/.ipynb_checkpoints/1-checkpoint.png"), image("train/a/._1.png");
  image("train/.hidden/1.png"), image("train/loose.png");
  text("train/a/notes.TXT", ""), text("train/b/photo.heic", ""), text("train/b/Thumbs.db", "");
  fs::create_directories(root_ / "train/hollow/deeper");
  fs::create_symlink("nowhere", root_ / "train/b/broken.png");
  text("README.md", ""), image("raw/1.png");
  const auto splits = open();
  EXPECT_EQ(files(splits.train), (Names{"train/a/1.png", "train/b/1.png"}));
  ASSERT_EQ(splits.left_out.size(), 2u);
  const auto& around = splits.left_out[0];
  EXPECT_EQ(around.split, "all");
  EXPECT_THAT(around.folders, ElementsAre("raw"));
  EXPECT_EQ(around.other_files, 1);
  const auto& train = splits.left_out[1];
  EXPECT_EQ(train.split, "train");
  EXPECT_EQ(train.hidden, 3);
  EXPECT_EQ(train.other_files, 3);
  EXPECT_THAT(train.kinds, ::testing::UnorderedElementsAre(".txt", ".heic", ".db"));
  EXPECT_EQ(train.links, 1);
  EXPECT_EQ(train.outside, 1);
  EXPECT_THAT(train.empty_classes, ElementsAre("hollow"));
  const auto lines = remarks_on(splits, "photos");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], AllOf(HasSubstr("photos"), HasSubstr("raw"), HasSubstr("3 hidden"),
                              HasSubstr("hollow"), HasSubstr(".heic"), HasSubstr("1 link")));
  const auto summary = summary_of(splits);
  EXPECT_EQ(summary.train, 2);
  EXPECT_EQ(to_json(summary).at("left_out").at(1).at("hidden"), 3);
}

TEST_F(ImageFolderTest, NothingIsSaidWhereNothingIsLeftOut) {
  image("train/a/1.png"), image("train/a/2.png"), image("test/a/1.png");
  EXPECT_THAT(remarks_on(open_dataset(root_.string()), "data"), IsEmpty());
}

TEST_F(ImageFolderTest, LinkedFoldersAreFollowedOnce) {
  image("data/a/1.png"), image("data/b/1.png");
  image("store/more/2.png"), image("store/more/deep/3.png");
  fs::create_directory_symlink(root_ / "store/more", root_ / "data/a/linked");
  fs::create_directory_symlink(root_ / "store/more", root_ / "data/c");
  fs::create_directory_symlink("..", root_ / "data/a/up");             // every class again
  fs::create_directory_symlink("..", root_ / "store/more/deep/back");  // a circle
  const auto splits = open_source((root_ / "data").string());
  EXPECT_EQ(files(splits.train),
            (Names{"data/a/1.png", "data/a/linked/2.png", "data/a/linked/deep/3.png",
                   "data/b/1.png", "data/c/2.png", "data/c/deep/3.png"}));
  ASSERT_EQ(splits.left_out.size(), 1u);
  EXPECT_EQ(splits.left_out[0].links, 3);
}

TEST_F(ImageFolderTest, OneImageInColourMakesColour) {
  for (int i = 0; i < 80; ++i) image("a/" + std::to_string(i) + ".png", 9, 1);
  EXPECT_EQ(open().train->channels(), 1);
  text("a/bad.png", "no image");
  EXPECT_EQ(open().train->channels(), 1) << "what cannot be read says nothing";
  image("a/77.png", 9, 3);
  EXPECT_EQ(open().train->channels(), 3);
}

TEST_F(ImageFolderTest, AClassOfOneIsTrained) {
  for (int i = 0; i < 4; ++i) image("many/" + std::to_string(i) + ".png");
  image("one/0.png");
  const auto splits = open_dataset(root_.string());
  EXPECT_EQ(splits.val->size(), 1);
  EXPECT_EQ(splits.val->label(0), 0);
  EXPECT_THAT(files(splits.train), ::testing::Contains("one/0.png"));
  EXPECT_THAT(splits.remarks, ElementsAre(AllOf(HasSubstr("one image"), HasSubstr("'one'"))));
  fs::remove_all(root_ / "many");
  for (const char* name : {"two", "three"}) image(std::string(name) + "/0.png");
  try {
    open_dataset(root_.string());
    FAIL() << "no error";
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), AllOf(HasSubstr("3 classes of one"), HasSubstr("val/")));
  }
}

TEST_F(ImageFolderTest, ImagesOverTheLimitAreRefused) {
  image("a/1.png");
  const auto splits = open({.limits = {.max_pixels = 15}});
  EXPECT_THROW(splits.train->get(0), DataError);
  EXPECT_THROW(splits.train->check_header(0), DataError);
  EXPECT_NO_THROW(open({.limits = {.max_pixels = 16}}).train->get(0));
}

// Root may read everything.
class AsNobody {
 public:
  AsNobody() {
    if (was_root_) {
      EXPECT_EQ(::seteuid(65534), 0);
    }
  }
  ~AsNobody() {
    if (was_root_) {
      EXPECT_EQ(::seteuid(0), 0);
    }
  }
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;

 private:
  const bool was_root_ = ::geteuid() == 0;
};

TEST_F(ImageFolderTest, WhatMayNotBeReadIsLeftOutAsWhatIsBroken) {
  for (const char* name : {"a/1.png", "a/2.png", "b/1.png"}) image(name);
  fs::permissions(root_ / "a/2.png", fs::perms::none);
  const AsNobody nobody;
  const auto train = open().train;
  ASSERT_EQ(train->size(), 3);
  EXPECT_EQ(train->channels(), 3);
  EXPECT_NO_THROW(train->get(0));
  EXPECT_THROW(train->get(1), UnreadableFileError);
  BadSamples skip("skip"), strict("error");
  EXPECT_FALSE(skip.guard([&] { train->get(1); }));
  EXPECT_EQ(skip.count(), 1);
  EXPECT_THAT(skip.last_message(), ::testing::AllOf(HasSubstr("2.png"), HasSubstr("permissions")));
  EXPECT_THROW(strict.guard([&] { train->get(1); }), IoError);
}

TEST_F(ImageFolderTest, ACheckFindsWhatIsWrong) {
  for (int i = 0; i < 6; ++i)
    image("train/a/" + std::to_string(i) + ".png", static_cast<uint8_t>(i));
  for (int i = 0; i < 6; ++i)
    image("train/b/" + std::to_string(i) + ".png", static_cast<uint8_t>(50 + i));
  image("train/b/gray.png", 7, 1);
  image("test/b/copy.png", 3);    // of a/3, of another class
  image("train/a/again.png", 2);  // within its class
  image("train/b/other.png", 5);  // of a/5, within train
  image("train/test/1.png", 99);  // a class of one with a split's name
  text("test/a/broken.png", "no image");
  io::Image wide{.height = 2, .width = 40, .channels = 3, .pixels = std::vector<uint8_t>(240, 1)};
  const auto png = io::encode_png(wide);
  text("train/a/wide.png", {png.begin(), png.end()});
  Progress silent;
  const auto report = check_data(open(), 3, silent);
  ASSERT_EQ(report.unreadable.size(), 1u);
  EXPECT_THAT(report.unreadable[0].file, HasSubstr("broken.png"));
  ASSERT_EQ(report.across_splits.size(), 1u);
  EXPECT_THAT(report.across_splits[0].files, ElementsAre(HasSubstr("a/3.png"), HasSubstr("copy")));
  EXPECT_THAT(report.across_splits[0].splits, ElementsAre("train", "test"));
  ASSERT_EQ(report.across_labels.size(), 1u);
  EXPECT_THAT(report.across_labels[0].labels, ElementsAre("a", "b"));
  EXPECT_EQ(report.repeated, 1);
  ASSERT_EQ(report.small_classes.size(), 1u);
  EXPECT_EQ(report.small_classes[0].name, "test");
  EXPECT_EQ(report.gray, 1);
  EXPECT_EQ(report.colour, 17);
  ASSERT_EQ(report.odd_sizes.size(), 1u);
  EXPECT_THAT(report.odd_sizes[0].file, HasSubstr("wide"));
  EXPECT_THAT(report.split_labels, ElementsAre("test"));
  const auto said = to_text(report);
  for (const char* part : {"broken.png", "copy.png", "Mixed channels", "wide.png", "named like"})
    EXPECT_THAT(said, HasSubstr(part));
}

TEST_F(ImageFolderTest, InputsAreFilesFoldersAndLists) {
  image("photos/b.png"), image("photos/a/2.png"), image("photos/a/10.png"), image("single.png");
  text("photos/notes.txt", "");
  text("list.txt", (root_ / "single.png").string() + "\r\n\n" + (root_ / "photos/a").string());
  ImageInputs inputs({(root_ / "single.png").string(), "-", (root_ / "photos").string()},
                     (root_ / "list.txt").string());
  Names names;
  while (const auto name = inputs.next())
    names.push_back(*name == "-" ? "-" : fs::path(*name).lexically_relative(root_).string());
  EXPECT_EQ(names, (Names{"single.png", "-", "photos/a/10.png", "photos/a/2.png", "photos/b.png",
                          "single.png", "photos/a/10.png", "photos/a/2.png"}));
  EXPECT_EQ(inputs.left_out().other_files, 1);
  fs::create_directories(root_ / "hollow");
  ImageInputs hollow({(root_ / "hollow").string()}, "");
  EXPECT_THROW(hollow.next(), DataError);
  EXPECT_THROW(ImageInputs({}, "nowhere.txt"), IoError);
  EXPECT_EQ(read_input((root_ / "single.png").string()).width, 4);
}

}  // namespace
}  // namespace braid::data
