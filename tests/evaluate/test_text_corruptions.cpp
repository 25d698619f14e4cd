#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "braid/core/error.h"
#include "braid/core/utf8.h"
#include "braid/evaluate/text/ngram_model.h"
#include "braid/evaluate/text/text_corruptions.h"

namespace braid::evaluate {
namespace {

using ::testing::ElementsAre;

constexpr const char* kText =
    "  The quick brown fox, jumping over\tthe lazy dog;\nna\xc3\xafve caf\xc3\xa9s and "
    "\xe6\x97\xa5\xe6\x9c\xac are not impressed by twenty words here  ";

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words(1);
  for (const char c : text) {
    if (c != ' ' && c != '\t' && c != '\n')
      words.back() += c;
    else if (!words.back().empty())
      words.emplace_back();
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

size_t differences(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  size_t count = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) count += a[i] != b[i] ? 1 : 0;
  return count;
}

TEST(TextCorruptions, AreSeededAndGrow) {
  for (const auto& name : text_corruptions()) {
    for (int64_t severity = 1; severity <= kTextSeverities; ++severity) {
      const auto worse = corrupt_text(kText, name, severity, 7);
      EXPECT_EQ(worse, corrupt_text(kText, name, severity, 7)) << name;
      EXPECT_EQ(valid_utf8_prefix(worse), worse.size()) << name;
      EXPECT_TRUE(worse.starts_with("  ")) << name << ": the space before stays";
    }
    EXPECT_NE(corrupt_text(kText, name, 5, 7), kText) << name;
    EXPECT_EQ(corrupt_text("", name, 5, 7), "") << name;
    EXPECT_EQ(corrupt_text(" \n", name, 5, 7), " \n") << name;
    if (name != "truncation") {  // which draws nothing
      EXPECT_NE(corrupt_text(kText, name, 3, 7), corrupt_text(kText, name, 3, 8)) << name;
    }
  }
}

TEST(TextCorruptions, DoWhatTheirNamesSay) {
  const auto clean = words_of(kText);  // 20
  ASSERT_EQ(clean.size(), 20u);
  EXPECT_EQ(words_of(corrupt_text(kText, "word_drop", 1, 3)).size(), 18u);
  EXPECT_EQ(words_of(corrupt_text(kText, "word_drop", 5, 3)).size(), 8u);
  EXPECT_EQ(corrupt_text("alone", "word_drop", 5, 3), "alone");
  const auto cut = words_of(corrupt_text(kText, "truncation", 3, 3));
  EXPECT_EQ(cut, std::vector<std::string>(clean.begin(), clean.begin() + 10));
  auto shuffled = words_of(corrupt_text(kText, "word_order", 5, 3));
  EXPECT_EQ(differences(shuffled, clean), 20u) << "each word moves";
  auto sorted = clean;
  std::sort(sorted.begin(), sorted.end());
  std::sort(shuffled.begin(), shuffled.end());
  EXPECT_EQ(shuffled, sorted);
  EXPECT_EQ(differences(words_of(corrupt_text(kText, "word_order", 2, 3)), clean), 5u);
  EXPECT_EQ(corrupt_text("The fox \xc3\x89t\xc3\xa9", "case", 5, 3), "tHE FOX \xc3\xa9T\xc3\xa9");
  EXPECT_EQ(differences(words_of(corrupt_text("a b c d", "case", 3, 3)), {"a", "b", "c", "d"}), 2u);
}

TEST(TextCorruptions, TyposAreAboutAsManyAsTheyShouldBe) {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "abcdefghij ";
  for (const auto& [severity, share] : {std::pair(1, 0.02), {3, 0.1}, {5, 0.25}}) {
    const auto typed = words_of(corrupt_text(text, "typos", severity, 1));
    ASSERT_EQ(typed.size(), 2000u);
    const double clean = static_cast<double>(std::count(typed.begin(), typed.end(), "abcdefghij"));
    EXPECT_NEAR(clean / 2000, std::pow(1 - share, 10), 0.03);
  }
}

TEST(TextCorruptions, UnknownOnesAreRefused) {
  EXPECT_THROW(corrupt_text("a", "noise", 1, 0), InternalError);
  EXPECT_THROW(corrupt_text("a", "typos", 0, 0), InternalError);
  EXPECT_THROW(corrupt_text("a", "typos", 6, 0), InternalError);
}

NgramTexts toy_texts() {
  NgramTexts texts;
  for (int i = 0; i < 200; ++i) {
    const std::string noise = " n" + std::to_string(i % 17) + " m" + std::to_string(i % 23);
    texts.rows.push_back(ngrams_of((i % 3 == 0   ? "not good"
                                    : i % 3 == 1 ? "good"
                                                 : "dull") +
                                   noise));
    texts.labels.push_back(i % 3);
  }
  return texts;
}

int64_t best_of(const std::vector<float>& scores) {
  return std::max_element(scores.begin(), scores.end()) - scores.begin();
}

TEST(NgramModel, FeaturesAreWordsAndPairs) {
  EXPECT_EQ(ngrams_of("a b").size(), 3u);
  EXPECT_EQ(ngrams_of("A  B"), ngrams_of("a b"));
  EXPECT_EQ(ngrams_of("a, b").size(), 5u) << "a sign is a word";
  EXPECT_EQ(ngrams_of("a a a").size(), 2u) << "each once";
  EXPECT_EQ(ngrams_of("a", "a").size(), 2u) << "a second text counts for itself";
  EXPECT_TRUE(ngrams_of(" \n").empty());
}

TEST(NgramModel, LearnsWordsAndPairs) {
  const auto texts = toy_texts();
  for (const auto& model : {std::shared_ptr<NgramModel>(train_naive_bayes(texts, 3)),
                            std::shared_ptr<NgramModel>(train_linear_ngrams(texts, 3, {}))}) {
    EXPECT_EQ(best_of(model->scores(ngrams_of("not good n1 m1"))), 0);
    EXPECT_EQ(best_of(model->scores(ngrams_of("good n1 m1"))), 1);
    EXPECT_EQ(best_of(model->scores(ngrams_of("dull n1 m1"))), 2);
    EXPECT_EQ(model->scores({}).size(), 3u);
  }
}

TEST(NgramModel, IsTheSameForASeed) {
  const auto texts = toy_texts();
  const auto row = ngrams_of("good n1");
  EXPECT_EQ(train_linear_ngrams(texts, 3, {.seed = 1})->scores(row),
            train_linear_ngrams(texts, 3, {.seed = 1})->scores(row));
  EXPECT_NE(train_linear_ngrams(texts, 3, {.seed = 1})->scores(row),
            train_linear_ngrams(texts, 3, {.seed = 2})->scores(row));
  const auto untrained = train_linear_ngrams(texts, 3, {.time_gone = [] { return 1.0; }});
  EXPECT_THAT(untrained->scores(row), ElementsAre(0, 0, 0));
}

}  // namespace
}  // namespace braid::evaluate
