// Package descriptions as data, from an apt whose lists are made up.
#include <gmock/gmock.h>

#include <cstdlib>
#include <set>

#include "braid/core/error.h"
#include "braid/core/json.h"
#include "braid/data/catalog.h"
#include "braid/data/debian_packages.h"
#include "braid/data/text/text_dataset.h"
#include "braid/io/line_file.h"
#include "tests/data/fake_apt.h"
#include "tests/data/text_folder.h"

namespace braid::data {
namespace {

using ::testing::HasSubstr;

class DebianPackagesTest : public TextFolderTest {
 protected:
  void SetUp() override {
    TextFolderTest::SetUp();
    const char* search = std::getenv("PATH");
    before_ = search != nullptr ? search : "";
  }
  void TearDown() override {
    ::setenv("PATH", before_.c_str(), 1);
    TextFolderTest::TearDown();
  }
  void take_apt(bool online) const {
    write_fake_apt(root_ / "bin", online);
    ::setenv("PATH", (path("bin") + ":/usr/bin:/bin").c_str(), 1);
  }
  std::vector<std::string> lines(const std::string& name) const {
    const io::LineFile file(path(name));
    std::vector<std::string> lines;
    for (int64_t i = 0; i < file.size(); ++i) lines.push_back(file.read(i));
    return lines;
  }
  std::string before_;
  Progress silent_;
};

TEST_F(DebianPackagesTest, DescriptionsAreLabelledWithSections) {
  take_apt(true);
  EXPECT_EQ(fetch_dataset("debian-packages", root_, "", silent_), root_ / "debian-packages");
  const auto splits = open_text_source(path("debian-packages"));
  EXPECT_EQ(splits.train->classes(), (std::vector<std::string>{"libs", "net", "rare"}));
  const int64_t all = splits.train->size() + splits.val->size() + splits.test->size();
  EXPECT_EQ(all, 400) << "m1 has two sections and is left out, 'only' is added";
  EXPECT_NEAR(static_cast<double>(splits.test->size()), 40, 20);
  EXPECT_NEAR(static_cast<double>(splits.val->size()), 20, 15);
  std::set<std::string> sources;  // of train
  for (const auto& line : lines("debian-packages/train.jsonl"))
    sources.insert(parse_json(line, {"test", ""}).at("source"));
  for (const auto& line : lines("debian-packages/test.jsonl"))
    EXPECT_FALSE(sources.contains(parse_json(line, {"test", ""}).at("source"))) << line;
  const auto first = parse_json(lines("debian-packages/train.jsonl").front(), {"test", ""});
  EXPECT_EQ(std::count(first.at("text").get_ref<const std::string&>().begin(),
                       first.at("text").get_ref<const std::string&>().end(), '\n'),
            first.at("package") == "only" ? 0 : 2);
  // Made again it is the same, and what is there is not made again.
  const auto made = lines("debian-packages/train.jsonl");
  std::filesystem::remove(path("debian-packages/val.jsonl"));
  fetch_dataset("debian-packages", root_, "", silent_);
  EXPECT_EQ(lines("debian-packages/train.jsonl"), made);
  take_apt(false);
  fetch_dataset("debian-packages", root_, "", silent_);
}

TEST_F(DebianPackagesTest, TranslationsAreParallel) {
  take_apt(true);
  fetch_dataset("debian-packages-en-de", root_, "", silent_);
  std::set<std::string> trained;
  for (const auto& split : {"train", "val", "test"}) {
    const std::string name = std::string("debian-packages-en-de/") + split;
    const auto english = lines(name + ".en"), german = lines(name + ".de");
    ASSERT_EQ(english.size(), german.size());
    ASSERT_FALSE(english.empty());
    for (size_t i = 0; i < english.size(); ++i) {
      if (english[i] == "Well.") {
        EXPECT_EQ(german[i], "Gut.");
      }
      EXPECT_TRUE(std::string(split) == "train" ? (trained.insert(english[i]), true)
                                                : !trained.contains(english[i]))
          << english[i];
    }
  }
}

TEST_F(DebianPackagesTest, PlainTextHasNoTestTexts) {
  take_apt(true);
  fetch_dataset("debian-packages-text", root_, "", silent_);
  fetch_dataset("debian-packages", root_, "", silent_);
  const auto all = lines("debian-packages-text/train.txt");
  const std::set<std::string> plain(all.begin(), all.end());
  for (const auto& line : lines("debian-packages/test.jsonl")) {
    const auto text = parse_json(line, {"test", ""}).at("text").get<std::string>();
    EXPECT_FALSE(plain.contains(text.substr(0, text.find('\n'))));
  }
}

TEST_F(DebianPackagesTest, SaysWhatIsMissing) {
  std::filesystem::create_directories(root_ / "nothing");
  ::setenv("PATH", path("nothing").c_str(), 1);
  EXPECT_THROW(make_debian_packages("debian-packages", root_ / "d", silent_), IoError);
  take_apt(false);
  try {
    make_debian_packages("debian-packages", root_ / "d", silent_);
    FAIL();
  } catch (const TryAgainError& e) {
    EXPECT_THAT(e.what(), HasSubstr("Could not resolve"));
  }
  EXPECT_FALSE(std::filesystem::exists(root_ / "d"));
  EXPECT_THROW(fetch_dataset("debian-packages", root_, "http://mirror", silent_), UsageError);
}

}  // namespace
}  // namespace braid::data
