// Batches of texts: padded, cut, with words left out or tokens hidden.
#include <gmock/gmock.h>

#include "braid/core/error.h"
#include "braid/data/text/masked_lm_collate.h"
#include "braid/data/text/text_collate.h"
#include "braid/data/text/text_summary.h"
#include "tests/data/fake_tokenizer.h"
#include "tests/data/text_folder.h"

namespace braid::data {
namespace {

using RowIds = std::vector<int64_t>;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TextBatchTest : public TextFolderTest {
 protected:
  TextDatasetPtr texts(const std::string& content) const {
    write("a.tsv", content);
    return open_text_source(path("a.tsv")).train;
  }
  static RowIds row(const torch::Tensor& tensor, int64_t i) {
    const auto line = tensor[i].contiguous();
    return {line.data_ptr<int64_t>(), line.data_ptr<int64_t>() + line.numel()};
  }
  static int64_t id(std::string_view piece) { return FakeTokenizer::number(piece); }
  static constexpr int64_t kCls = FakeTokenizer::kCls, kSep = FakeTokenizer::kSep,
                           kPad = FakeTokenizer::kPad, kMask = FakeTokenizer::kMask;

  text::TokenizerPtr tokenizer_ = std::make_shared<FakeTokenizer>();
  BadSamples bad_{"error"};
};

TEST_F(TextBatchTest, RowsArePaddedToTheLongest) {
  const TextCollate collate(texts("aa bb\t1\ncc\t0\ndd ee ff gg\t1\n"), tokenizer_, 5);
  const auto batch = collate({0, 1, 2}, {}, bad_);
  EXPECT_EQ(batch.at(kInputIds).sizes(), (at::IntArrayRef{3, 5}));
  EXPECT_EQ(row(batch.at(kInputIds), 0), (RowIds{kCls, id("aa"), id("bb"), kSep, kPad}));
  EXPECT_EQ(row(batch.at(kAttentionMask), 0), (RowIds{1, 1, 1, 1, 0}));
  EXPECT_EQ(row(batch.at(kInputIds), 2), (RowIds{kCls, id("dd"), id("ee"), id("ff"), kSep}));
  EXPECT_EQ(row(batch.at(kTokenTypeIds), 2), (RowIds{0, 0, 0, 0, 0}));
  const auto labels = batch.at(kLabels);
  EXPECT_EQ(labels[0].item<int64_t>(), 1);
  EXPECT_EQ(labels[1].item<int64_t>(), 0);
  EXPECT_EQ(collate({1}, {}, bad_).at(kInputIds).size(1), 3) << "the longest of this batch";
}

TEST_F(TextBatchTest, PairsHaveTypes) {
  const TextCollate collate(texts("aa bb\tcc\t1\ndd\tee\t0\n"), tokenizer_, 0);
  const auto batch = collate({0}, {}, bad_);
  EXPECT_EQ(row(batch.at(kInputIds), 0), (RowIds{kCls, id("aa"), id("bb"), kSep, id("cc"), kSep}));
  EXPECT_EQ(row(batch.at(kTokenTypeIds), 0), (RowIds{0, 0, 0, 0, 1, 1}));
}

TEST_F(TextBatchTest, AnEmptyTextIsAttendedTo) {
  const auto data = texts("\t1\naa bb\t0\n");
  EXPECT_EQ(row(TextCollate(data, tokenizer_, 0)({0}, {}, bad_).at(kInputIds), 0),
            (RowIds{kCls, kSep}));
  const auto bare = std::make_shared<FakeTokenizer>(false);
  const auto batch = TextCollate(data, bare, 0)({0, 1}, {}, bad_);
  EXPECT_EQ(row(batch.at(kAttentionMask), 0), (RowIds{1, 0}));
  EXPECT_EQ(row(batch.at(kInputIds), 0), (RowIds{0, 0}));
}

TEST_F(TextBatchTest, LengthsAreKnownOncePrepared) {
  TextCollate collate(texts("aa bb\t1\ncc\t0\ndd ee ff gg\t1\n"), tokenizer_, 5);
  const auto before = collate({0, 2}, {}, bad_);
  collate.prepare(2);
  EXPECT_THAT(collate.lengths(), ElementsAre(4, 3, 5));
  EXPECT_EQ(collate.truncated_texts(), 1);
  EXPECT_EQ(collate.truncated_tokens(), 1);
  const auto after = collate({0, 2}, {}, bad_);
  EXPECT_TRUE(torch::equal(before.at(kInputIds), after.at(kInputIds)));
}

TEST_F(TextBatchTest, WordsAreDroppedBySeedAndEpoch) {
  std::string content;
  for (int i = 0; i < 400; ++i) content += "longword" + std::to_string(i) + " ";
  const auto data = texts(content + "\t1\nx\t0\n");
  TextCollate collate(data, tokenizer_, 0, TrainingTexts{.word_drop = 0.3, .seed = 5});
  const auto first = collate({0, 1}, {.epoch = 0}, bad_).at(kInputIds);
  const int64_t whole = TextCollate(data, tokenizer_, 0)({0}, {}, bad_).at(kInputIds).size(1);
  EXPECT_NEAR(static_cast<double>(first.size(1)) / static_cast<double>(whole), 0.7, 0.08);
  EXPECT_EQ(first[1][1].item<int64_t>(), id("x")) << "the only word stays";
  EXPECT_TRUE(torch::equal(first, collate({0, 1}, {.epoch = 0, .batch = 9}, bad_).at(kInputIds)));
  EXPECT_FALSE(torch::equal(first, collate({0, 1}, {.epoch = 1}, bad_).at(kInputIds)));
  collate.prepare(1);
  EXPECT_TRUE(torch::equal(first, collate({0, 1}, {.epoch = 0}, bad_).at(kInputIds)));
  EXPECT_THROW(TextCollate(data, tokenizer_, 0, TrainingTexts{.word_drop = 1}), ConfigError);
  EXPECT_THROW(TextCollate(data, tokenizer_, 3), ConfigError);
}

TEST_F(TextBatchTest, ABalancedEpochDropsOtherWordsOfEachRepeat) {
  std::string content;
  for (int i = 0; i < 100; ++i) content += "longword" + std::to_string(i) + " ";
  const auto data = texts(content + "\t1\nx\t0\n");
  const auto rows = [&](bool balanced, const Collate::Place& place) {
    const TextCollate collate(data, tokenizer_, 0,
                              TrainingTexts{.word_drop = 0.3, .seed = 5, .balanced = balanced});
    const auto ids = collate({0, 0}, place, bad_).at(kInputIds);
    return std::pair(row(ids, 0), row(ids, 1));
  };
  const auto [one, two] = rows(true, {.epoch = 1, .batch = 4});
  EXPECT_NE(one, two);
  EXPECT_EQ(rows(true, {.epoch = 1, .batch = 4}).first, one);
  EXPECT_NE(rows(true, {.epoch = 1, .batch = 5}).first, one);
  const auto [first, second] = rows(false, {.epoch = 1, .batch = 4});
  EXPECT_EQ(first, second);
}

TEST_F(TextBatchTest, TheLoaderBalancesClasses) {
  std::string content;
  for (int i = 0; i < 200; ++i)
    content += "aa b" + std::to_string(i) + "\t" + (i % 20 == 0 ? "1" : "0") + "\n";
  const auto data = texts(content);
  const auto ones = [&](bool balanced) {
    const auto loader =
        make_text_loader(data, tokenizer_,
                         {.batch_size = 10,
                          .workers = 0,
                          .training = TrainingTexts{.seed = 3, .balanced = balanced}});
    EXPECT_EQ(loader->size(), 20);
    loader->start_epoch(0);
    int64_t count = 0;
    while (const auto batch = loader->next()) count += batch->at(kLabels).sum().item<int64_t>();
    return count;
  };
  EXPECT_EQ(ones(false), 10);
  EXPECT_NEAR(static_cast<double>(ones(true)), 100, 25);
}

TEST_F(TextBatchTest, ATextThatVanishedIsABadSample) {
  write("train/pos/1.txt", "fine");
  write("train/neg/1.txt", "bad");
  const auto data = open_text_source(root_.string()).train;
  std::filesystem::resize_file(path("train/pos/1.txt"), 0);
  write("train/pos/1.txt", "\xff\xfe");
  const TextCollate collate(data, tokenizer_, 0);
  EXPECT_THROW(collate({0, 1}, {}, bad_), DataError);
  BadSamples skip("skip");
  const auto batch = collate({0, 1}, {}, skip);
  EXPECT_EQ(batch.indices, RowIds{0});
  EXPECT_EQ(skip.count(), 1);
  EXPECT_EQ(collate({1}, {}, skip).size(), 0);
}

class MaskingTest : public TextBatchTest {
 protected:
  TokenBlocksPtr blocks(bool whole_documents, int64_t block_length = 34) const {
    std::string content;
    for (int i = 0; i < 4000; ++i)
      content += "longword" + std::to_string(i % 613) + (i % 40 == 39 ? "\n" : " ");
    write("plain.txt", content);
    Progress silent;
    return std::make_shared<TokenBlocks>(
        std::vector<std::filesystem::path>{path("plain.txt")}, *tokenizer_,
        TokenBlockOptions{.block_length = block_length, .whole_documents = whole_documents},
        silent);
  }
  static RowIds all_of(int64_t count) {
    RowIds indices(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) indices[static_cast<size_t>(i)] = i;
    return indices;
  }
};

TEST_F(MaskingTest, SharesAreBerts) {
  const auto data = blocks(false);
  const MaskedLmCollate collate(data, tokenizer_, {.seed = 1});
  const auto batch = collate(all_of(data->size()), {}, bad_);
  const auto ids = batch.at(kInputIds), labels = batch.at(kLabels);
  const auto asked = labels.ne(-100);
  const auto whole = collate({0}, {}, bad_);
  EXPECT_EQ(ids.size(1), 34);
  EXPECT_EQ(row(ids, 0).front(), kCls);
  const double count = asked.sum().item<double>();
  const double tokens = static_cast<double>(data->tokens());
  EXPECT_NEAR(count / tokens, 0.15, 0.01);
  EXPECT_NEAR((ids.eq(kMask) & asked).sum().item<double>() / count, 0.8, 0.03);
  EXPECT_NEAR((ids.eq(labels) & asked).sum().item<double>() / count, 0.1, 0.03);
  EXPECT_FALSE((labels.ge(0) & labels.lt(FakeTokenizer::kFirst)).any().item<bool>());
  EXPECT_FALSE((ids.lt(FakeTokenizer::kFirst) & ids.ne(kMask) & asked).any().item<bool>())
      << "special tokens stand in for none";
  EXPECT_TRUE(asked.any(1).all().item<bool>()) << "something is asked in each row";
}

// Such as transformers' additional_special_tokens.
TEST_F(MaskingTest, OtherSpecialTokensAreNeitherAskedNorDrawn) {
  const int32_t other = FakeTokenizer::number("lon");  // begins every word
  const auto data = blocks(false);
  const MaskedLmCollate collate(data,
                                std::make_shared<FakeTokenizer>(true, std::vector<int32_t>{other}),
                                {.masked = 0.1, .replaced = 0.9, .seed = 1});
  const auto batch = collate(all_of(data->size()), {}, bad_);
  const auto ids = batch.at(kInputIds), labels = batch.at(kLabels);
  EXPECT_TRUE(ids.eq(other).any().item<bool>());
  EXPECT_FALSE(labels.eq(other).any().item<bool>());
  EXPECT_FALSE((ids.eq(other) & labels.ne(-100)).any().item<bool>());
}

TEST_F(MaskingTest, SharesMayBeElectras) {
  const auto data = blocks(false);
  const MaskingConfig config{.masked = 0.85, .replaced = 0, .draws = true, .seed = 1};
  const MaskedLmCollate collate(data, tokenizer_, config);
  const auto batch = collate(all_of(data->size()), {}, bad_);
  const auto ids = batch.at(kInputIds), labels = batch.at(kLabels), draws = batch.at(kDraws);
  const auto asked = labels.ne(-100);
  const double count = asked.sum().item<double>();
  EXPECT_NEAR((ids.eq(kMask) & asked).sum().item<double>() / count, 0.85, 0.03);
  EXPECT_TRUE((ids.eq(kMask) | ids.eq(labels) | asked.logical_not()).all().item<bool>());
  EXPECT_EQ(draws.sizes(), ids.sizes());
  EXPECT_NEAR(draws.masked_select(asked).mean().item<double>(), 0.5, 0.03);
  EXPECT_TRUE((draws.ge(0) & draws.lt(1)).all().item<bool>());
  EXPECT_EQ(draws.masked_select(asked.logical_not()).abs().sum().item<double>(), 0);
  const auto alone = collate({3}, {}, bad_).at(kDraws)[0];
  EXPECT_TRUE(torch::equal(alone, draws[3].narrow(0, 0, alone.size(0))));
  EXPECT_THROW(MaskedLmCollate(data, tokenizer_, {.masked = 0.9, .replaced = 0.2}), ConfigError);
}

TEST_F(MaskingTest, DependsOnSeedEpochAndBlockAlone) {
  const auto data = blocks(false);
  const MaskedLmCollate collate(data, tokenizer_, {.seed = 1});
  const auto alone = collate({3}, {.epoch = 2}, bad_).at(kInputIds)[0];
  EXPECT_TRUE(
      torch::equal(alone, collate({0, 3}, {.epoch = 2, .batch = 7}, bad_).at(kInputIds)[1]));
  EXPECT_FALSE(torch::equal(alone, collate({3}, {.epoch = 3}, bad_).at(kInputIds)[0]));
  const MaskedLmCollate other(data, tokenizer_, {.seed = 2});
  EXPECT_FALSE(torch::equal(alone, other({3}, {.epoch = 2}, bad_).at(kInputIds)[0]));
}

TEST_F(MaskingTest, WholeWordsGoTogether) {
  const auto data = blocks(false);
  const MaskedLmCollate collate(data, tokenizer_, {.whole_words = true, .seed = 1});
  const auto batch = collate(all_of(data->size()), {}, bad_);
  for (int64_t i = 0; i < data->size(); ++i) {
    const auto block = data->get(i);
    const auto labels = row(batch.at(kLabels), i);
    for (size_t k = 1; k < block.ids.size(); ++k) {
      if (block.begins_word[k] != 0) continue;
      EXPECT_EQ(labels[k + 1] == -100, labels[k] == -100) << i << " " << k;
    }
  }
}

TEST_F(MaskingTest, HalfOfThePairsBelongTogether) {
  const auto data = blocks(true, 40);
  const MaskedLmCollate collate(data, tokenizer_,
                                {.probability = 1e-9, .next_sentence = true, .seed = 1});
  const auto batch = collate(all_of(data->size()), {}, bad_);
  const auto next = batch.at(kNextSentenceLabel);
  EXPECT_NEAR(next.to(torch::kFloat).mean().item<double>(), 0.5, 0.1);
  EXPECT_LE(batch.at(kInputIds).size(1), 40);
  for (int64_t i = 0; i < data->size(); ++i) {
    auto ids = row(batch.at(kInputIds), i);
    const auto labels = row(batch.at(kLabels), i);
    for (size_t k = 0; k < ids.size(); ++k)
      if (labels[k] != -100) ids[k] = labels[k];
    RowIds texts;
    for (const int64_t token : ids)
      if (token >= FakeTokenizer::kFirst) texts.push_back(token);
    const auto block = data->get(i);
    const RowIds own(block.ids.begin(), block.ids.end());
    if (next[i].item<int64_t>() == 0) {
      EXPECT_EQ(texts, own);
    } else {
      EXPECT_NE(texts, own);
    }
    const auto types = row(batch.at(kTokenTypeIds), i);
    EXPECT_EQ(std::count(ids.begin(), ids.end(), kSep), 2);
    EXPECT_EQ(types.front(), 0);
    EXPECT_EQ(std::count(types.begin(), types.end(), 1) > 1, true);
  }
  EXPECT_THROW(MaskedLmCollate(blocks(false), tokenizer_, {.next_sentence = true}), ConfigError);
  EXPECT_THROW(MaskedLmCollate(data, std::make_shared<FakeTokenizer>(false), {}), ConfigError);
  EXPECT_THROW(MaskedLmCollate(data, tokenizer_, {.probability = 1}), ConfigError);
}

// Nothing of val is learned as the second text of a pair.
TEST_F(MaskingTest, SecondTextsAreOfTheBlocksThatMayBe) {
  constexpr int64_t kHalf = 30;  // documents of one word, then as many of another
  std::string content;
  for (int64_t i = 0; i < 2 * kHalf; ++i) {
    for (int k = 0; k < 8; ++k) content += i < kHalf ? "aaa " : "zzz ";
    content += '\n';
  }
  write("plain.txt", content);
  Progress silent;
  const auto data = std::make_shared<TokenBlocks>(
      std::vector<std::filesystem::path>{path("plain.txt")}, *tokenizer_,
      TokenBlockOptions{.block_length = 20, .whole_documents = true}, silent);
  ASSERT_EQ(data->size(), 2 * kHalf);
  ASSERT_NE(id("aaa"), id("zzz"));
  const auto of_others = [&](const MaskingConfig& config) {
    const auto batch =
        MaskedLmCollate(data, tokenizer_, config)(all_of(kHalf), {}, bad_).at(kInputIds);
    return batch.eq(id("zzz")).sum().item<int64_t>();
  };
  MaskingConfig config{.probability = 1e-9, .next_sentence = true, .replaced = 0, .seed = 1};
  EXPECT_GT(of_others(config), 0);
  config.others_end = kHalf;
  EXPECT_EQ(of_others(config), 0);
  config.others_end = 1;
  EXPECT_THROW(MaskedLmCollate(data, tokenizer_, config), ConfigError) << "a document alone";
}

TEST_F(TextBatchTest, ACheckCountsAndFindsCopies) {
  write("train.tsv",
        "one two\t1\nthree\t0\nthree\t1\nfive six seven\t0\nfive six seven\t0\n\t1\nbroken\n");
  write("test.tsv", "one two\t1\n\xc3\xa9\t0\n");
  Progress silent;
  const auto report =
      check_texts(open_text_source(root_.string(), {.on_bad_sample = "skip"}), 2, silent);
  EXPECT_EQ(report.summary.train, 6);
  EXPECT_EQ(report.bad_samples, 1);
  EXPECT_THAT(report.unreadable, ElementsAre(HasSubstr("train.tsv:7")));
  ASSERT_EQ(report.across_splits.size(), 1u);
  EXPECT_THAT(report.across_splits[0].files,
              ElementsAre(path("train.tsv") + ":1", path("test.tsv") + ":1"));
  ASSERT_EQ(report.across_labels.size(), 1u);
  EXPECT_THAT(report.across_labels[0].labels, ElementsAre("0", "1"));
  EXPECT_EQ(report.repeated, 1);
  EXPECT_EQ(report.empty, 1);
  EXPECT_EQ(report.words.longest, 3);
  EXPECT_EQ(report.words.shortest, 0);
  EXPECT_EQ(report.characters.longest, 14);
  EXPECT_EQ(report.small_classes.size(), 2u);
  const auto text = to_text(report);
  EXPECT_THAT(text, HasSubstr("2 classes; texts: 6 train, 0 val, 2 test"));
  EXPECT_THAT(text, HasSubstr("1 texts cannot be used."));
}

}  // namespace
}  // namespace braid::data
