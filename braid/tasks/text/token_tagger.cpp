#include "braid/tasks/text/token_tagger.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "braid/core/error.h"
#include "braid/core/name_at.h"
#include "braid/data/sampler.h"
#include "braid/data/text/split_words.h"
#include "braid/data/text/tagged_collate.h"
#include "braid/runtime/eval_scope.h"
#include "braid/tasks/inference.h"
#include "braid/tasks/predictor.h"
#include "braid/text/utf8.h"

namespace braid::tasks {
namespace {

namespace F = torch::nn::functional;

const char* const kOutside = "O";

// "Rome.", but not "U.S.": such a period ends a sentence, or shortens a word that is known so.
bool ends_with_lone_period(const std::string& word) {
  return word.size() > 1 && word.find('.') == word.size() - 1;
}

bool has_prefix(const std::string& tag) { return tag.size() > 2 && tag[1] == '-'; }

// Of each tag of the data, the model's output of that name.
std::vector<int64_t> outputs_of(const std::vector<std::string>& of_data,
                                const std::vector<std::string>& of_model) {
  std::vector<int64_t> map;
  for (const auto& tag : of_data) {
    const auto it = std::find(of_model.begin(), of_model.end(), tag);
    if (it == of_model.end() && !of_model.empty())
      throw DataError("eval", "expected the tags that the model knows, got '" + tag + "'", "",
                      "evaluate it on data with the tags of its training");
    map.push_back(of_model.empty() ? static_cast<int64_t>(map.size()) : it - of_model.begin());
  }
  return map;
}

}  // namespace

void expect_token_tagger(const TokenizedModel& model, const std::filesystem::path& folder) {
  if (model.model->head() == models::TextHead::kTokenClassification) return;
  throw DataError("checkpoint",
                  std::string("expected a model that tags words, got one with the head ") +
                      to_string(model.model->head()),
                  folder.string(), "train one on your data: `braid train --weights` takes it");
}

TagScores score_tags(const TokenizedModel& tagger, const data::TaggedTextsPtr& texts,
                     const EvaluateOptions& options, Progress& progress) {
  const auto& of_model = tagger.hub.classes;
  const auto map = torch::tensor(outputs_of(texts->tags(), of_model), torch::kLong);
  data::Loader loader(
      std::make_shared<data::TaggedCollate>(texts, tagger.tokenizer, tagger.max_length),
      std::make_unique<data::Sequential>(texts->size(), options.batch_size),
      {.workers = options.workers, .on_bad_sample = options.on_bad_sample});
  TagScores out;
  double loss = 0;
  int64_t asked = 0;
  const auto see = [&](const torch::Tensor& logits, const data::Batch& batch) {  // [B,N,K]
    expect_finite(logits);
    const auto labels = batch.at(data::kLabels);
    const auto known = labels.ne(data::kNoTag);
    const auto rows = logits.index({known});
    const auto wanted = map.index_select(0, labels.index({known}));
    loss += F::cross_entropy(rows, wanted, F::CrossEntropyFuncOptions().reduction(torch::kSum))
                .item<double>();
    asked += wanted.numel();
    const auto guesses = logits.argmax(-1).contiguous();
    const auto guess = guesses.accessor<int64_t, 2>();
    const auto word_of = batch.at(data::kWordIds).accessor<int64_t, 2>();
    for (int64_t i = 0; i < batch.size(); ++i) {
      const auto& tags = texts->get(batch.indices[static_cast<size_t>(i)]).tags;
      std::vector<std::string> got(tags.size(), kOutside), expected;
      auto cut = static_cast<int64_t>(tags.size());
      for (int64_t token = 0; token < guesses.size(1); ++token) {
        if (word_of[i][token] < 0) continue;
        got[static_cast<size_t>(word_of[i][token])] = name_at(of_model, guess[i][token]);
        --cut;
      }
      out.cut_words += cut;
      out.cut_sentences += cut > 0 ? 1 : 0;
      for (const int64_t tag : tags) expected.push_back(texts->tags().at(static_cast<size_t>(tag)));
      out.entities.update(got, expected);
    }
  };
  out.bad_samples = run_all(
      *tagger.model,
      [&](const data::Batch& batch) { return tagger.model->forward(text_input(batch)); }, loader,
      texts->size(), options.dtype, progress, see);
  if (out.entities.words() == 0)
    throw DataError("evaluate", "expected a sentence to evaluate on, but none can be read",
                    texts->size() > 0 ? texts->describe(0) : "");
  out.loss =
      asked == 0 ? std::numeric_limits<double>::quiet_NaN() : loss / static_cast<double>(asked);
  return out;
}

Scores to_scores(const TagScores& result, const std::vector<std::string>& tags) {
  auto scores = result.entities.scores();
  // Parts of speech and the like are no entities.
  if (std::none_of(tags.begin(), tags.end(), has_prefix)) scores = {find_score(scores, "accuracy")};
  scores.push_back({"loss", "nats", result.loss, std::nullopt, std::nullopt, false});
  return scores;
}

std::vector<FoundEntity> find_entities(const TokenizedModel& tagger, const std::string& text,
                                       const std::string& dtype, int64_t* truncated) {
  const auto spans = data::split_words(text);
  std::vector<std::string> words;
  for (const auto& span : spans) words.push_back(text.substr(span.begin, span.end - span.begin));
  const auto tokens = data::tokenize_words(words, *tagger.tokenizer, tagger.max_length);
  expect_whole(tagger, tokens.truncated);
  if (truncated) *truncated = tokens.truncated;
  if (tokens.ids.empty()) return {};
  const std::vector<int64_t> row(tokens.ids.begin(), tokens.ids.end());
  const runtime::EvalScope scope(*tagger.model, dtype);
  const auto ids = torch::tensor(row, torch::kLong).unsqueeze(0).to(scope.device());
  const auto probabilities =
      tagger.model
          ->forward(
              {.input_ids = ids, .attention_mask = torch::ones_like(ids), .token_type_ids = {}})[0]
          .to(torch::kFloat)
          .softmax(-1)
          .cpu();  // [N,K]
  expect_finite(probabilities);
  const auto [best, indices] = probabilities.max(-1);
  std::vector<std::string> tags(words.size(), kOutside);
  std::vector<double> sure(words.size());  // of each tag
  for (size_t word = 0; word < words.size(); ++word) {
    const int64_t at = tokens.first_tokens[word];
    if (at < 0) continue;
    tags[word] = name_at(tagger.hub.classes, indices[at].item<int64_t>());
    sure[word] = best[at].item<double>();
  }
  std::vector<FoundEntity> found;
  for (const auto& entity : find_entities(tags)) {
    const auto first = static_cast<size_t>(entity.begin), end = static_cast<size_t>(entity.end);
    const size_t begin = spans[first].begin;
    const size_t stop = spans[end - 1].end - (ends_with_lone_period(words[end - 1]) ? 1 : 0);
    FoundEntity one{.kind = entity.kind,
                    .text = text.substr(begin, stop - begin),
                    .begin = text::count_code_points(text, begin),
                    .end = text::count_code_points(text, stop)};
    for (size_t i = first; i < end; ++i)
      one.probability += sure[i] / static_cast<double>(end - first);
    found.push_back(std::move(one));
  }
  return found;
}

}  // namespace braid::tasks
