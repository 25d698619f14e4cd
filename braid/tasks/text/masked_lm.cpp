#include "braid/tasks/text/masked_lm.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "braid/core/error.h"
#include "braid/data/sampler.h"
#include "braid/data/text/masked_lm_collate.h"
#include "braid/runtime/eval_scope.h"
#include "braid/tasks/loss.h"
#include "braid/tasks/predictor.h"

namespace braid::tasks {
namespace {

namespace F = torch::nn::functional;

constexpr int64_t kNotAsked = -100;  // of labels, Hugging Face's

// Hidden states, logits and labels of the tokens that are asked for.
struct Hidden {
  torch::Tensor features;  // [B,N,D]
  torch::Tensor logits;    // [P,V]
  torch::Tensor labels;    // [P]
};

Hidden guess(models::TextEncoder& model, const data::Batch& batch) {
  const auto input = text_input(batch);
  const auto labels = batch.at(data::kLabels).flatten();  // [B*N]
  const auto places = labels.ne(kNotAsked).nonzero().squeeze(1);
  Hidden hidden;
  hidden.features = model.forward_features(input);
  hidden.labels = labels.index_select(0, places);
  hidden.logits = model.forward_head(hidden.features.flatten(0, 1).index_select(0, places), input);
  return hidden;
}

[[noreturn]] void fail_without_mask(const TokenizedModel& model, const std::string& text,
                                    int32_t mask) {
  const auto name = model.tokenizer->id_to_token(mask);
  const auto all = model.tokenizer->encode(text).ids;
  if (std::find(all.begin(), all.end(), mask) != all.end())
    throw DataError("predict",
                    fmt::format("expected {} within the {} tokens that the model reads, got it "
                                "behind them, where the text is cut",
                                name, model.max_length),
                    "", "leave out what stands before it");
  throw DataError("predict", fmt::format("expected a text with {}, got none in it", name));
}

// The token as a text has it, or its name where it is no whole character; empty where the tokenizer
// has none of that number.
std::string written(const text::Tokenizer& tokenizer, int32_t id) {
  auto token = tokenizer.id_to_token(id);
  if (token.empty()) return token;
  auto text = tokenizer.decode({id}, false);
  return text.empty() || text.find("\uFFFD") != std::string::npos ? token : text;
}

}  // namespace

data::Summary MaskedLmBlocks::summary() const {
  data::Summary summary;
  summary.train = train_size;
  summary.val = val->size() - val_begin;
  return summary;
}

std::unique_ptr<data::Loader> MaskedLmBlocks::training_loader(
    std::shared_ptr<const data::Collate> collate, const TrainingData& options) const {
  return std::make_unique<data::Loader>(
      std::move(collate),
      std::make_unique<data::Shuffled>(train_size, options.batch_size, options.seed),
      data::LoaderOptions{.workers = options.workers, .on_bad_sample = options.on_bad_sample});
}

void MaskedLmBlocks::for_each_val_batch(Split split, std::shared_ptr<const data::Collate> collate,
                                        const EvaluateOptions& options, const torch::Device& device,
                                        Progress& progress,
                                        const std::function<void(const data::Batch&)>& see) const {
  if (split != Split::kVal) throw DataError("evaluate", "the data has no such split");
  const int64_t count = val->size() - val_begin;
  data::Loader loader(std::move(collate),
                      std::make_unique<data::Sequential>(count, options.batch_size, val_begin),
                      {.workers = options.workers, .on_bad_sample = options.on_bad_sample});
  int64_t done = 0;
  progress.begin("evaluate", count);
  loader.start_epoch(0);
  while (const auto batch = loader.next()) {
    see(batch->to(device));
    done += batch->size();
    progress.update(done, "");
  }
  progress.end();
}

MaskedLm::MaskedLm(const TaskConfig& config, MaskedLmBlocks blocks, TokenizedModel model)
    : config_(config), blocks_(std::move(blocks)), model_(std::move(model)) {
  // What they refuse is known before anything is trained.
  collate(Split::kTrain, 0);
  collate(Split::kVal, 0);
}

std::shared_ptr<const data::Collate> MaskedLm::collate(Split split, int64_t seed) const {
  const bool trains = split == Split::kTrain;
  const auto& blocks = trains ? blocks_.train : blocks_.val;
  // Of val nothing is learned, as the second text of a pair neither.
  int64_t begin = trains ? 0 : blocks_.val_begin;
  int64_t end = trains ? blocks_.train_size : blocks->size();
  const bool one_document =
      end > begin && blocks->document_of(begin) == blocks->document_of(end - 1);
  if (!trains && one_document) begin = end = 0;  // there is no other one: of all
  return std::make_shared<data::MaskedLmCollate>(
      blocks, model_.tokenizer,
      data::MaskingConfig{.probability = config_.text.mlm_probability,
                          .whole_words = config_.text.whole_word_mask,
                          .next_sentence = config_.text.next_sentence,
                          .others_begin = begin,
                          .others_end = end,
                          .seed = seed});
}

std::unique_ptr<data::Loader> MaskedLm::training_loader(const TrainingData& options) const {
  return blocks_.training_loader(collate(Split::kTrain, options.seed), options);
}

torch::Tensor MaskedLm::forward(const data::Batch& batch) {
  return guess(*model_.model, batch).logits.to(torch::kFloat);
}

Step MaskedLm::training_step(const data::Batch& batch) {
  const auto hidden = guess(*model_.model, batch);
  auto loss = cross_entropy(hidden.logits, hidden.labels, 0);
  if (batch.has(data::kNextSentenceLabel))
    loss = loss + F::cross_entropy(model_.model->next_sentence(hidden.features).to(torch::kFloat),
                                   batch.at(data::kNextSentenceLabel));
  return {loss, static_cast<double>(hidden.labels.numel())};
}

Scores MaskedLm::evaluate(Split split, const EvaluateOptions& options, Progress& progress) {
  constexpr int64_t kSeed = 0;  // the same tokens are hidden each time
  const runtime::EvalScope scope(*model_.model, options.dtype);
  double loss = 0, right = 0, tokens = 0;
  const auto see = [&](const data::Batch& batch) {
    const auto hidden = guess(*model_.model, batch);
    loss += F::cross_entropy(hidden.logits.to(torch::kFloat), hidden.labels,
                             F::CrossEntropyFuncOptions().reduction(torch::kSum))
                .item<double>();
    right += hidden.logits.argmax(1).eq(hidden.labels).sum().item<double>();
    tokens += static_cast<double>(hidden.labels.numel());
  };
  blocks_.for_each_val_batch(split, collate(Split::kVal, kSeed), options, scope.device(), progress,
                             see);
  if (tokens == 0) throw DataError("evaluate", "expected texts to validate with, got none");
  const auto score = [](const char* name, const char* unit, double value, bool higher_is_better) {
    return Score{name, unit, value, std::nullopt, std::nullopt, higher_is_better};
  };
  return {score("loss", "nats", loss / tokens, false),
          score("perplexity", "", std::exp(loss / tokens), false),
          score("top1", "%", 100 * right / tokens, true)};
}

data::Summary MaskedLm::data() const { return blocks_.summary(); }

void MaskedLm::save(const std::filesystem::path& folder) const {
  save_tokenized_model(model_, folder);
}

std::vector<std::vector<MaskFill>> fill_masks(const TokenizedModel& model, const std::string& text,
                                              int64_t top, const std::string& dtype,
                                              int64_t* truncated) {
  const auto mask = model.tokenizer->special().mask;
  if (!mask) throw DataError("predict", "expected a tokenizer with a mask token, got one without");
  const auto encoding = model.tokenizer->encode(text, {.max_length = model.max_length});
  std::vector<int64_t> places;
  for (size_t i = 0; i < encoding.ids.size(); ++i)
    if (encoding.ids[i] == *mask) places.push_back(static_cast<int64_t>(i));
  expect_whole(model, encoding.truncated);
  if (truncated) *truncated = encoding.truncated;
  if (places.empty()) fail_without_mask(model, text, *mask);
  const runtime::EvalScope scope(*model.model, dtype);
  const std::vector<int64_t> row(encoding.ids.begin(), encoding.ids.end());
  const auto ids = torch::tensor(row, torch::kLong).unsqueeze(0).to(scope.device());
  const models::TextInput input{
      .input_ids = ids, .attention_mask = torch::ones_like(ids), .token_type_ids = {}};
  const auto features = model.model->forward_features(input)[0].index_select(
      0, torch::tensor(places).to(ids.device()));
  const auto rows = model.model->forward_head(features, input).to(torch::kFloat).softmax(-1).cpu();
  expect_finite(rows);
  std::vector<std::vector<MaskFill>> fills;
  for (int64_t i = 0; i < rows.size(0); ++i) {
    const auto [values, tokens] = rows[i].topk(std::min(top, rows.size(1)));
    auto& fill = fills.emplace_back();
    for (int64_t k = 0; k < values.size(0); ++k) {
      const auto id = static_cast<int32_t>(tokens[k].item<int64_t>());
      fill.push_back({written(*model.tokenizer, id), id, values[k].item<double>()});
    }
  }
  return fills;
}

}  // namespace braid::tasks
