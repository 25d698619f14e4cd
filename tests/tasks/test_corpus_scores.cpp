// BLEU and chrF against sacreBLEU, and what a corpus of any kind gives.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "braid/core/error.h"
#include "braid/core/version.h"
#include "braid/tasks/metrics/bleu.h"
#include "braid/tasks/metrics/chrf.h"
#include "braid/tasks/metrics/unicode_words.h"

namespace braid::tasks {
namespace {

using ::testing::HasSubstr;

// BRAID_CORPUS_SCORES: another file of the same generator.
const Json& reference() {
  static const Json json = [] {
    const char* other = std::getenv("BRAID_CORPUS_SCORES");
    std::ifstream file(other ? other : BRAID_TEST_SOURCE_DIR "/tasks/fixtures/corpus_scores.json");
    return Json::parse(file);
  }();
  return json;
}

std::string signed_by_braid(const Json& score) {
  return score.at("signature").get<std::string>() + "|version:braid-" + version();
}

template <class Metric, class Options>
Metric metric_of(const Json& texts, const Json& options) {
  Metric metric(from_json<Options>(options, "fixture"));
  for (size_t i = 0; i < texts.at("texts").size(); ++i)
    metric.update(texts.at("texts")[i].get<std::string>(),
                  texts.at("references")[i].get<std::vector<std::string>>());
  return metric;
}

constexpr double kTolerance = 1e-9;  // of scores from 0 to 100

TEST(CorpusScores, BleuIsSacrebleus) {
  for (size_t i = 0; i < reference().at("cases").size(); ++i) {
    SCOPED_TRACE(i);
    const Json& one = reference().at("cases")[i];
    const Json& wanted = one.at("bleu");
    const auto bleu = metric_of<Bleu, BleuOptions>(one, one.at("bleu_options"));
    const auto score = bleu.score();
    EXPECT_NEAR(score.score, wanted.at("score").get<double>(), kTolerance);
    const auto precisions = wanted.at("precisions").get<std::vector<double>>();
    ASSERT_EQ(score.precisions.size(), precisions.size());
    for (size_t n = 0; n < precisions.size(); ++n)
      EXPECT_NEAR(score.precisions[n], precisions[n], kTolerance);
    EXPECT_EQ(score.matched, wanted.at("matched").get<std::vector<double>>());
    EXPECT_EQ(score.all, wanted.at("all").get<std::vector<double>>());
    EXPECT_NEAR(score.brevity_penalty, wanted.at("brevity_penalty").get<double>(), kTolerance);
    EXPECT_EQ(score.length, wanted.at("length").get<int64_t>());
    EXPECT_EQ(score.reference_length, wanted.at("reference_length").get<int64_t>());
    EXPECT_EQ(to_text(score) + " ", wanted.at("text").get<std::string>() + " ");
    EXPECT_EQ(bleu.signature(), signed_by_braid(wanted));
  }
}

TEST(CorpusScores, ChrfIsSacrebleus) {
  for (size_t i = 0; i < reference().at("cases").size(); ++i) {
    SCOPED_TRACE(i);
    const Json& one = reference().at("cases")[i];
    const auto chrf = metric_of<Chrf, ChrfOptions>(one, one.at("chrf_options"));
    EXPECT_NEAR(chrf.score(), one.at("chrf").at("score").get<double>(), kTolerance);
    EXPECT_EQ(chrf.name(), one.at("chrf").at("name").get<std::string>());
    EXPECT_EQ(chrf.signature(), signed_by_braid(one.at("chrf")));
  }
}

TEST(CorpusScores, WordsAreSacrebleus) {
  for (const auto& one : reference().at("tokens"))
    EXPECT_EQ(tokenize_for_bleu(one[0].get<std::string>(), one[1].get<std::string>()),
              one[2].get<std::string>())
        << one;
}

TEST(CorpusScores, LowerCaseIsPythons) {
  for (const auto& one : reference().at("lower"))
    EXPECT_EQ(to_utf8(to_lower(to_code_points(one[0].get<std::string>()))),
              one[1].get<std::string>());
}

TEST(CorpusScores, PartsAddUp) {
  Bleu whole, first, second, none;
  Chrf whole_f, first_f, second_f;
  const std::vector<std::vector<std::string>> references = {{"a b c d e"}, {"f g", "f"}, {""}};
  const std::vector<std::string> texts = {"a b c d x", "f", "y z"};
  for (size_t i = 0; i < texts.size(); ++i) {
    whole.update(texts[i], references[i]);
    whole_f.update(texts[i], references[i]);
    (i == 0 ? first : second).update(texts[i], references[i]);
    (i == 0 ? first_f : second_f).update(texts[i], references[i]);
  }
  first.merge(none);
  none.merge(second);
  first.merge(none);
  first_f.merge(second_f);
  EXPECT_EQ(first.score().score, whole.score().score);
  EXPECT_EQ(first.signature(), whole.signature());
  EXPECT_THAT(first.signature(), HasSubstr("nrefs:var"));
  EXPECT_EQ(first_f.score(), whole_f.score());
  EXPECT_EQ(first.texts(), 3);
}

// The draws are others than sacreBLEU's: within what its own seeds differ by, and a little more.
TEST(CorpusScores, TheIntervalOfBleuIsAsWideAsSacrebleus) {
  std::ifstream file(BRAID_TEST_SOURCE_DIR "/tasks/fixtures/bleu_interval.json");
  const auto corpus = Json::parse(file);
  std::vector<Bleu> texts(corpus.at("texts").size());
  for (size_t i = 0; i < texts.size(); ++i)
    texts[i].update(corpus.at("texts")[i].get<std::string>(),
                    {corpus.at("references")[i].get<std::string>()});
  const auto interval = bleu_interval(texts);
  EXPECT_NEAR((interval.high - interval.low) / 2, corpus.at("halves")[0].get<double>(), 0.8);
  EXPECT_NEAR((interval.high + interval.low) / 2, corpus.at("means")[0].get<double>(), 0.8);
  const auto again = bleu_interval(texts);
  EXPECT_EQ(again.low, interval.low);
  const auto one = bleu_interval({texts[0]});
  EXPECT_EQ(one.low, one.high);
}

TEST(CorpusScores, OfNothingIsNotANumber) {
  EXPECT_TRUE(std::isnan(Bleu().score().score));
  EXPECT_TRUE(std::isnan(Chrf().score()));
  Bleu empty;
  empty.update("", {""});
  EXPECT_EQ(empty.score().score, 0);
  Chrf empty_f;
  empty_f.update("", {""});
  EXPECT_EQ(empty_f.score(), 0);
}

TEST(CorpusScores, RefusesWhatIsNone) {
  EXPECT_THROW(Bleu({.tokenize = "14a"}), ConfigError);
  EXPECT_THROW(Bleu({.smooth_method = "some"}), ConfigError);
  EXPECT_THROW(Bleu().update("a", {}), UsageError);
  EXPECT_THROW(Chrf({.char_order = 0}), ConfigError);
  EXPECT_THROW(tokenize_for_bleu("moses", "a"), ConfigError);
}

TEST(CorpusScores, InvalidUtf8IsReadAsReplacementCharacters) {
  EXPECT_EQ(tokenize_for_bleu("char", "a\xff\xe4\xbdz"), "a \ufffd \ufffd z");
}

}  // namespace
}  // namespace braid::tasks
