// Parallel files: which they are, what their lines are, and batches of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "braid/core/error.h"
#include "braid/data/text/parallel_collate.h"
#include "braid/data/text/parallel_text.h"
#include "tests/data/letter_tokenizer.h"

namespace braid::data {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::string_literals;

class ParallelTextTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("braid-parallel-" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return (folder_ / name).string();
  }
  void write_split(const std::string& stem, int64_t lines) const {
    std::string en, de;
    for (int64_t i = 0; i < lines; ++i) {
      en += stem + " en " + std::to_string(i) + "\n";
      de += stem + " de " + std::to_string(i) + "\n";
    }
    write(stem + ".en", en);
    write(stem + ".de", de);
  }
  template <class Error>
  std::string error_of(const std::string& spec, const OpenParallelOptions& options = {}) const {
    try {
      open_parallel_text(spec, options);
    } catch (const Error& e) {
      return e.what();
    }
    ADD_FAILURE() << "expected an error for " << spec;
    return "";
  }
  fs::path folder_;
};

TEST_F(ParallelTextTest, AFoldersSplitsAreToldByTheirNames) {
  write_split("train", 3);
  write_split("dev", 2);
  write_split("test_2016_flickr", 2);
  write_split("test", 1);
  write("README.md", "nothing");
  const auto splits = open_parallel_text(folder_.string());
  EXPECT_EQ(splits.source_lang, "en");
  EXPECT_EQ(splits.target_lang, "de");
  ASSERT_EQ(splits.train->size(), 3);
  EXPECT_EQ(splits.train->get(1).source, "train en 1");
  EXPECT_EQ(splits.train->get(1).target, "train de 1");
  EXPECT_EQ(splits.val->size(), 2);
  ASSERT_EQ(splits.tests.size(), 2u);
  EXPECT_EQ(splits.tests[0].first, "test");
  EXPECT_EQ(splits.test()->size(), 1);
  EXPECT_EQ(splits.tests[1].first, "test_2016_flickr");
  EXPECT_THAT(splits.remarks, ElementsAre(HasSubstr("--source-lang de")));
  const auto back = open_parallel_text(folder_.string(), {.source_lang = "de"});
  EXPECT_EQ(back.train->get(0).source, "train de 0");
  EXPECT_EQ(back.target_lang, "en");
  EXPECT_TRUE(back.remarks.empty());
}

TEST_F(ParallelTextTest, WhatIsTranslatedMustBeClear) {
  for (const auto& name : {"train.fr", "train.de", "val.fr", "val.de"}) write(name, "a\n");
  EXPECT_THAT(error_of<UsageError>(folder_.string()), HasSubstr("--source-lang"));
  EXPECT_EQ(open_parallel_text(folder_.string(), {.target_lang = "fr"}).source_lang, "de");
  write("train.en", "a\n");
  EXPECT_THAT(error_of<UsageError>(folder_.string(), {.source_lang = "de"}),
              HasSubstr("de, en, fr"));
  EXPECT_THAT(error_of<UsageError>(folder_.string(), {.source_lang = "de", .target_lang = "de"}),
              HasSubstr("twice"));
  EXPECT_THAT(error_of<UsageError>(folder_.string(), {.source_lang = "it", .target_lang = "de"}),
              HasSubstr("train.it"));
  EXPECT_THAT(error_of<DataError>(folder_.string(), {.source_lang = "en", .target_lang = "de"}),
              HasSubstr("val.en"));
  fs::remove_all(folder_);
  fs::create_directories(folder_);
  for (const auto& name : {"train.de-fr.de", "train.de-fr.fr", "valid.de-fr.de", "valid.de-fr.fr"})
    write(name, "a\n");
  EXPECT_EQ(open_parallel_text(folder_.string()).source_lang, "de") << "fairseq's names say it";
}

TEST_F(ParallelTextTest, UnequalNumbersOfLinesNameBothFilesAndTheLine) {
  write("train.en", "one\ntwo\nthree\n");
  write("train.de", "eins\nzwei\n");
  const auto message = error_of<DataError>(folder_.string());
  for (const auto* part : {"3 in ", "train.en", "2 in ", "train.de", "train.de:2, 'zwei', beside",
                           "beside 'two'", "goes on with 'three'"})
    EXPECT_THAT(message, HasSubstr(part));
  write("train.en", "");
  EXPECT_THAT(error_of<DataError>(folder_.string()),
              AllOf(HasSubstr("train.en is empty"), HasSubstr("goes on with 'eins'")));
}

TEST_F(ParallelTextTest, SeparatorsWithinALineArePartOfIt) {
  const auto odd = "a\0b\rc\u2028d\u0085e\x0b\x0c\x1c"s;
  const auto spec = write("a.en", odd + "\r\nz\ny") + "," + write("a.de", "1\n2\n3\n");
  const auto splits = open_parallel_text(spec, {.val_fraction = 0.01});
  EXPECT_EQ(splits.source_lang, "en");
  EXPECT_EQ(splits.target_lang, "de");
  EXPECT_EQ(splits.train->size() + splits.val->size(), 3);
  std::set<std::string> sources;
  for (const auto& part : {splits.train, splits.val})
    for (int64_t i = 0; i < part->size(); ++i) sources.insert(part->get(i).source);
  EXPECT_EQ(sources, (std::set<std::string>{odd, "z", "y"}));
}

TEST_F(ParallelTextTest, EmptySidesAreLeftOutOfTrainingAlone) {
  for (const auto* stem : {"train", "val"}) {
    write(stem + ".en"s, "a\n\n \t\r\nb\n" + std::string(100, ' ') + "\n");
    write(stem + ".de"s, "A\nB\nC\n\nD\n");
  }
  const auto splits = open_parallel_text(folder_.string());
  EXPECT_EQ(splits.train->size(), 1);
  EXPECT_EQ(splits.empty_pairs, 4);
  EXPECT_THAT(splits.remarks.back(), HasSubstr("4 of 5 pairs"));
  EXPECT_EQ(splits.val->size(), 5);
  write("train.en", "\n\n\n\n\n");
  EXPECT_THAT(error_of<DataError>(folder_.string()), HasSubstr("both sides"));
}

TEST_F(ParallelTextTest, ValIsTakenFromTrainWhereThereIsNone) {
  write_split("train", 50);
  const auto splits = open_parallel_text(folder_.string(), {.val_fraction = 0.2});
  EXPECT_EQ(splits.train->size(), 40);
  EXPECT_EQ(splits.val->size(), 10);
  std::set<std::string> all;
  for (const auto& part : {splits.train, splits.val})
    for (int64_t i = 0; i < part->size(); ++i) all.insert(part->get(i).target);
  EXPECT_EQ(all.size(), 50u);
  const auto again = open_parallel_text(folder_.string(), {.val_fraction = 0.2});
  EXPECT_EQ(again.val->get(3).source, splits.val->get(3).source);
}

TEST_F(ParallelTextTest, WhatIsNotThereIsSaid) {
  EXPECT_THAT(error_of<DataError>(folder_.string()), HasSubstr("train.en and train.de"));
  EXPECT_THAT(error_of<IoError>("no-such-data"), HasSubstr("no-such-data"));
  EXPECT_THAT(error_of<IoError>("no.en,no.de"), HasSubstr("no.en"));
  EXPECT_THAT(error_of<UsageError>("a,b,c"), HasSubstr("SOURCE_FILE,TARGET_FILE"));
  EXPECT_THAT(error_of<UsageError>(write("alone.en", "a\n")), HasSubstr("SOURCE_FILE,TARGET_FILE"));
}

Batch collate(const ParallelCollate& collate, const std::vector<int64_t>& indices) {
  BadSamples bad("skip");
  return collate(indices, {}, bad);
}

std::vector<std::vector<int64_t>> rows_of(const torch::Tensor& tensor) {
  std::vector<std::vector<int64_t>> rows;
  for (int64_t i = 0; i < tensor.size(0); ++i) {
    const auto row = tensor[i].contiguous();
    rows.emplace_back(row.data_ptr<int64_t>(), row.data_ptr<int64_t>() + row.numel());
  }
  return rows;
}

TEST_F(ParallelTextTest, BatchesArePaddedAndTheTargetIsShifted) {
  const auto pairs =
      std::make_shared<ParallelText>(write("a.en", "ab\nc\nx!\n"), write("a.de", "d\nefg\ny\n"));
  const auto tokenizer = std::make_shared<LetterTokenizer>();
  ParallelCollate made(pairs, tokenizer, sequence_format(*tokenizer, 0));
  for (const bool prepared : {false, true}) {
    if (prepared) {
      made.prepare(2);
      EXPECT_EQ(made.lengths(), (std::vector<std::vector<int64_t>>{{3, 2, 1}, {2, 4, 1}}));
    }
    const auto batch = collate(made, {0, 2, 1});
    const auto id = [](char c) { return static_cast<int64_t>(c) + LetterTokenizer::kFirst; };
    EXPECT_EQ(batch.indices, (std::vector<int64_t>{0, 1})) << "what cannot be read is left out";
    EXPECT_THAT(rows_of(batch.at(kInputIds)),
                ElementsAre(ElementsAre(id('a'), id('b'), 1), ElementsAre(id('c'), 1, 0)));
    EXPECT_THAT(rows_of(batch.at(kAttentionMask)),
                ElementsAre(ElementsAre(1, 1, 1), ElementsAre(1, 1, 0)));
    EXPECT_THAT(rows_of(batch.at(kLabels)), ElementsAre(ElementsAre(id('d'), 1, -100, -100),
                                                        ElementsAre(id('e'), id('f'), id('g'), 1)));
    EXPECT_THAT(
        rows_of(batch.at(kDecoderInputIds)),
        ElementsAre(ElementsAre(0, id('d'), 0, 0), ElementsAre(0, id('e'), id('f'), id('g'))));
    EXPECT_THAT(rows_of(batch.at(kDecoderAttentionMask)),
                ElementsAre(ElementsAre(1, 1, 0, 0), ElementsAre(1, 1, 1, 1)));
    EXPECT_TRUE(collate(made, {2}).indices.empty());
  }
}

TEST_F(ParallelTextTest, ALineOfTenMegabytesIsCut) {
  const auto pairs = std::make_shared<ParallelText>(
      write("a.en", "short\n" + std::string(10'000'000, 'x') + "\n"), write("a.de", "a\nb\n"));
  const auto tokenizer = std::make_shared<LetterTokenizer>();
  ParallelCollate made(pairs, tokenizer, sequence_format(*tokenizer, 8));
  made.prepare(1);
  EXPECT_EQ(made.cut_pairs(), 1);
  EXPECT_EQ(made.lengths(), (std::vector<std::vector<int64_t>>{{6, 8}, {2, 2}}));
  const auto rows = rows_of(collate(made, {1}).at(kInputIds));
  EXPECT_EQ(rows[0].size(), 8u);
  EXPECT_EQ(rows[0].back(), LetterTokenizer::kEos);
}

TEST_F(ParallelTextTest, TheBeginningOfATextEndsWithAWholeCodePoint) {
  const std::string text = "a\u20ac\U0001f600b";  // 1, 3, 4 and 1 bytes
  const std::vector<size_t> wanted = {0, 1, 1, 1, 4, 4, 4, 4, 8, 9, 9};
  for (size_t bytes = 0; bytes < wanted.size(); ++bytes)
    EXPECT_EQ(beginning_of(text, bytes).size(), wanted[bytes]) << bytes;
  EXPECT_EQ(beginning_of("\x80\x80\x80\x80\x80\x80", 5).size(), 2u) << "what is no UTF-8";
}

}  // namespace
}  // namespace braid::data
