// Attributions to the tokens of a text.
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "braid/core/error.h"
#include "braid/explain/text_explainer.h"
#include "braid/models/registry.h"
#include "braid/tasks/text/text_classifier.h"
#include "tests/data/letter_tokenizer.h"

namespace braid::explain {
namespace {

tasks::TokenizedModel letters(const std::string& name = "bert_tiny") {
  tasks::TokenizedModel classifier;
  classifier.tokenizer = std::make_shared<data::LetterTokenizer>();
  const Json fields = {{"head", "sequence_classification"},
                       {"vocab_size", classifier.tokenizer->vocab_size()},
                       {"num_labels", 2}};
  classifier.model = models::create_model<models::TextEncoder>(name, fields, 3);
  classifier.hub.architecture = name;
  classifier.hub.classes = {"no", "yes"};
  classifier.max_length = 64;
  // Away from initialization, where logits hardly differ.
  const torch::NoGradGuard no_grad;
  for (auto& parameter : classifier.model->parameters())
    if (parameter.dim() > 1) parameter.mul_(4);
  return classifier;
}

tasks::TokenizedModel letters_of_pairs() {
  auto classifier = letters();
  classifier.hub.text_pairs = true;
  return classifier;
}

TEST(TextExplainer, TokensOfBothTextsOfAPairHaveTheirShare) {
  ExplainConfig config;
  config.target = "yes";
  config.steps = 300;
  const TextExplainer explainer(letters_of_pairs(), config, "cpu");
  const auto e = explainer.explain("ab", "cab");
  EXPECT_EQ(e.text, "ab");
  EXPECT_EQ(e.text_pair, "cab");
  ASSERT_EQ(e.tokens.size(), 7u);  // and two ends
  const std::optional<int64_t> none;
  const std::vector<std::optional<int64_t>> sequences = {0, 0, none, 1, 1, 1, none},
                                            starts = {0, 1, none, 0, 1, 2, none};
  double sum = 0, of_second = 0;
  for (size_t i = 0; i < e.tokens.size(); ++i) {
    const auto& token = e.tokens[i];
    EXPECT_EQ(token.sequence, sequences[i]) << i;
    EXPECT_EQ(token.start, starts[i]) << i;
    EXPECT_EQ(token.end.has_value(), starts[i].has_value()) << i;
    if (token.end) {
      EXPECT_EQ(*token.end, *token.start + 1) << i;
    }
    sum += token.attribution;
    if (token.sequence == 1) of_second += std::abs(token.attribution);
    // Ends stay while the texts come: nothing changes there.
    if (!token.sequence) {
      EXPECT_EQ(token.attribution, 0) << i;
    }
  }
  EXPECT_NEAR(sum, e.sum, 1e-5);
  EXPECT_NEAR(e.sum, e.total, 0.02 * std::abs(e.total) + 1e-4);
  EXPECT_GT(of_second, 1e-3);

  const auto other = explainer.explain("cab", "ab");
  EXPECT_EQ(other.tokens[3].sequence, none);
  EXPECT_NE(other.total, e.total) << "which text comes first counts";
}

TEST(TextExplainer, APairIsJudgedAsTheClassifierJudgesIt) {
  const auto classifier = letters_of_pairs();
  const auto expected = tasks::classify(classifier, {{.text = "ab", .pair = "cab"}}, "float32")[0];
  ExplainConfig config;
  config.steps = 2;
  const auto e = TextExplainer(classifier, config, "cpu").explain("ab", "cab");
  EXPECT_NEAR(e.probability, expected.max().item<double>(), 1e-5);
  EXPECT_EQ(e.index, expected.argmax().item<int64_t>());
}

TEST(TextExplainer, AttributionsSumToTheDifferenceOfLogits) {
  ExplainConfig config;
  config.target = "yes";
  config.steps = 300;
  const TextExplainer explainer(letters(), config, "cpu");
  const auto e = explainer.explain("aba c");
  EXPECT_EQ(e.target, "yes");
  EXPECT_EQ(e.index, 1);
  ASSERT_EQ(e.tokens.size(), 6u);  // and the end
  double sum = 0;
  for (const auto& token : e.tokens) sum += token.attribution;
  EXPECT_NEAR(sum, e.sum, 1e-5);
  EXPECT_GT(std::abs(e.total), 1e-3);
  EXPECT_NEAR(e.sum, e.total, 0.02 * std::abs(e.total) + 1e-4);
  EXPECT_NE(e.tokens[0].attribution, e.tokens[2].attribution);  // the same letter twice
}

TEST(TextExplainer, TheModelIsAsBeforeAndItsProbabilitiesAreIts) {
  auto classifier = letters();
  const auto model = classifier.model;
  const auto before = model->named_parameters();
  std::map<std::string, torch::Tensor> kept;
  for (const auto& item : before) kept[item.key()] = item.value().detach().clone();
  model->eval();
  const auto ids = torch::tensor({{'a' + 2, 'b' + 2, 1}}, torch::kLong);
  const auto expected =
      model
          ->forward(
              {.input_ids = ids, .attention_mask = torch::ones_like(ids), .token_type_ids = {}})
          .softmax(1)
          .detach();
  ExplainConfig config;
  config.steps = 3;
  config.batch_size = 2;
  const TextExplainer explainer(classifier, config, "cpu");
  const auto e = explainer.explain("ab");
  EXPECT_NEAR(e.probability, expected.max().item<double>(), 1e-5);
  for (const auto& item : model->named_parameters())
    EXPECT_TRUE(torch::equal(item.value(), kept.at(item.key()))) << item.key();
}

TEST(TextExplainer, WorksForOtherFamilies) {
  for (const char* name : {"textcnn", "lightconv_encoder_tiny"}) {
    ExplainConfig config;
    config.steps = 4;
    const TextExplainer explainer(letters(name), config, "cpu");
    EXPECT_EQ(explainer.explain("some text").tokens.size(), 10u) << name;
  }
}

TEST(TextExplainer, OcclusionIsWhatTheLogitLosesWithoutAToken) {
  const auto classifier = letters_of_pairs();
  ExplainConfig config;
  config.method = "occlusion";
  config.target = "yes";
  config.batch_size = 3;
  const auto e = TextExplainer(classifier, config, "cpu").explain("ab", "cab");
  EXPECT_EQ(e.method, "occlusion");
  ASSERT_EQ(e.tokens.size(), 7u);
  const auto encoding = classifier.tokenizer->encode_pair("ab", "cab", {});
  const auto& special = classifier.tokenizer->special();
  const int32_t stand_in = special.mask.value_or(special.pad.value_or(special.unk.value_or(-1)));
  const auto logit = [&](const std::vector<int32_t>& ids) {
    const torch::NoGradGuard no_grad;
    const auto row = [](const std::vector<int32_t>& numbers) {
      return torch::tensor(std::vector<int64_t>(numbers.begin(), numbers.end()), torch::kLong)
          .unsqueeze(0);
    };
    const auto input_ids = row(ids);
    return classifier.model
        ->forward({.input_ids = input_ids,
                   .attention_mask = torch::ones_like(input_ids),
                   .token_type_ids = row(encoding.type_ids)})[0][1]
        .item<double>();
  };
  const double whole = logit(encoding.ids);
  auto none = encoding.ids;
  for (size_t i = 0; i < 7; ++i) {
    if (encoding.special_tokens[i] != 0) {
      EXPECT_EQ(e.tokens[i].attribution, 0) << i;
      continue;
    }
    auto without = encoding.ids;
    none[i] = without[i] = stand_in;
    EXPECT_NEAR(e.tokens[i].attribution, whole - logit(without), 1e-4) << i;
  }
  EXPECT_NEAR(e.total, whole - logit(none), 1e-4);
  EXPECT_EQ(e.tokens[4].sequence, 1);
  EXPECT_EQ(e.tokens[4].start, 1);
}

TEST(TextExplainer, RefusesWhatItCannot) {
  ExplainConfig config;
  config.method = "grad-cam";
  EXPECT_THROW(TextExplainer(letters(), config, "cpu"), UsageError);
  config = {};
  config.target = "maybe";
  const TextExplainer explainer(letters(), config, "cpu");
  EXPECT_THROW(explainer.explain("a"), UsageError);
  EXPECT_THROW(TextExplainer(letters(), {}, "cpu").explain("a", "b"), DataError);
  EXPECT_THROW(TextExplainer(letters_of_pairs(), {}, "cpu").explain("a"), DataError);
}

TEST(TextExplainer, ALongTextMayBeCutOrIsRefused) {
  ExplainConfig config;
  config.steps = 2;
  auto classifier = letters();
  classifier.max_length = 3;
  const auto cut = TextExplainer(classifier, config, "cpu").explain("abcd");
  EXPECT_EQ(cut.tokens.size(), 3u);
  EXPECT_EQ(cut.truncated, 2);
  classifier.truncate = false;
  const TextExplainer strict(classifier, config, "cpu");
  EXPECT_EQ(strict.explain("ab").truncated, 0);
  try {
    strict.explain("abcd");
    FAIL() << "it was cut";
  } catch (const DataError& e) {
    EXPECT_NE(std::string(e.what()).find("at most 3 tokens, as many as the model reads, got 5"),
              std::string::npos)
        << e.what();
  }
}

}  // namespace
}  // namespace braid::explain
