#include "braid/tasks/text/replaced_tokens.h"

#include <algorithm>
#include <cmath>

#include "braid/core/error.h"
#include "braid/data/summary.h"
#include "braid/data/text/masked_lm_collate.h"
#include "braid/models/text/transformer/electra.h"
#include "braid/runtime/eval_scope.h"
#include "braid/tasks/loss.h"
#include "braid/tasks/predictor.h"
#include "braid/text/utf8.h"

namespace braid::tasks {
namespace {

namespace F = torch::nn::functional;
namespace fs = std::filesystem;
using torch::Tensor;

constexpr int64_t kNotHidden = -100;  // of labels, Hugging Face's
constexpr double kHiddenShare = 0.85;

std::shared_ptr<models::Electra> electra_of(const TokenizedModel& model) {
  auto electra = std::dynamic_pointer_cast<models::Electra>(model.model);
  if (!electra) throw InternalError("tasks", "expected an ELECTRA, got " + model.hub.architecture);
  return electra;
}

// One token a row of logits [P,V], by where `draws` [P] from 0 to 1 falls among its probabilities.
Tensor draw_tokens(const Tensor& logits, const Tensor& draws) {
  const torch::NoGradGuard no_grad;
  const auto sums = logits.detach().softmax(-1).cumsum(-1);  // [P,V]
  const auto at = draws.to(sums.dtype()).unsqueeze(1) * sums.narrow(1, sums.size(1) - 1, 1);
  return at::searchsorted(sums, at, /*out_int32=*/false, /*right=*/true)
      .squeeze(1)
      .clamp(0, sums.size(1) - 1);
}

Score score_of(const char* name, const char* unit, double value, bool higher_is_better) {
  return {name, unit, value, std::nullopt, std::nullopt, higher_is_better};
}

// Sums over a split.
struct DetectionSums {
  double generator_loss = 0, discriminator_loss = 0;
  double asked = 0, guessed = 0;                                         // tokens of the generator
  double tokens = 0, right = 0, hits = 0, misses = 0, false_alarms = 0;  // of the discriminator

  void add(const ReplacedTokens& batch) {
    const auto P = static_cast<double>(batch.originals.numel());
    const auto T = static_cast<double>(batch.replaced.numel());
    const auto count = [](const Tensor& which) { return which.sum().item<double>(); };
    if (P > 0) generator_loss += batch.generator_loss().item<double>() * P;
    discriminator_loss += batch.discriminator_loss().item<double>() * T;
    asked += P;
    guessed += count(batch.guesses.argmax(1).eq(batch.originals));
    const auto told = batch.logits.gt(0);
    tokens += T;
    right += count(told.eq(batch.replaced));
    hits += count(told.logical_and(batch.replaced));
    misses += count(told.logical_not().logical_and(batch.replaced));
    false_alarms += count(told.logical_and(batch.replaced.logical_not()));
  }
  Scores scores(double disc_weight) const {
    const double gen = generator_loss / asked, disc = discriminator_loss / tokens;
    const double of_f1 = 2 * hits + misses + false_alarms;
    return {score_of("loss", "nats", gen + disc_weight * disc, false),
            score_of("disc_loss", "nats", disc, false),
            score_of("disc_accuracy", "%", 100 * right / tokens, true),
            score_of("disc_f1", "%", of_f1 > 0 ? 200 * hits / of_f1 : 0, true),
            score_of("gen_perplexity", "", std::exp(gen), false),
            score_of("gen_top1", "%", 100 * guessed / asked, true)};
  }
};

}  // namespace

Tensor ReplacedTokens::generator_loss() const { return cross_entropy(guesses, originals, 0); }

Tensor ReplacedTokens::discriminator_loss() const {
  return F::binary_cross_entropy_with_logits(logits, replaced.to(logits.dtype()));
}

ReplacedTokens detect_replaced(ElectraPair& pair, const data::Batch& batch, const Tensor& samples) {
  pair.pass_on_checkpointing();
  auto input = text_input(batch);
  const auto labels = batch.at(data::kLabels);  // [B,N]
  const auto asked = labels.ne(kNotHidden);
  const auto places = asked.flatten().nonzero().squeeze(1);  // [P]
  const auto real = input.attention_mask.ne(0);              // [B,N]
  ReplacedTokens out;
  out.originals = labels.flatten().index_select(0, places);
  const auto features = pair.generator().forward_features(input).flatten(0, 1);
  out.guesses =
      pair.generator().forward_head(features.index_select(0, places), input).to(torch::kFloat);
  const auto drawn =
      samples.defined()
          ? samples
          : draw_tokens(out.guesses, batch.at(data::kDraws).flatten().index_select(0, places));
  const auto original = torch::where(asked, labels, input.input_ids);
  input.input_ids =
      original.flatten().index_copy(0, places, drawn).view_as(original);  // replaced, [B,N]
  out.logits = pair.discriminator().forward(input).to(torch::kFloat).masked_select(real);
  out.replaced = input.input_ids.ne(original).masked_select(real);
  return out;
}

ReplacedTokenDetection::ReplacedTokenDetection(const TaskConfig& config, MaskedLmBlocks blocks,
                                               TokenizedModel discriminator,
                                               TokenizedModel generator)
    : config_(config),
      blocks_(std::move(blocks)),
      discriminator_(std::move(discriminator)),
      generator_(std::move(generator)),
      pair_(std::make_shared<ElectraPair>(electra_of(discriminator_), electra_of(generator_))) {}

std::shared_ptr<const data::Collate> ReplacedTokenDetection::collate(
    const data::TokenBlocksPtr& blocks, int64_t seed) const {
  return std::make_shared<data::MaskedLmCollate>(
      blocks, discriminator_.tokenizer,
      data::MaskingConfig{.probability = config_.text.mlm_probability,
                          .whole_words = config_.text.whole_word_mask,
                          .masked = kHiddenShare,
                          .replaced = 0,
                          .draws = true,
                          .seed = seed});
}

std::unique_ptr<data::Loader> ReplacedTokenDetection::training_loader(
    const TrainingData& options) const {
  return blocks_.training_loader(collate(blocks_.train, options.seed), options);
}

Tensor ReplacedTokenDetection::forward(const data::Batch& batch) {
  return detect_replaced(*pair_, batch).logits;
}

Step ReplacedTokenDetection::training_step(const data::Batch& batch) {
  const auto step = detect_replaced(*pair_, batch);
  if (step.originals.numel() == 0) return {step.logits.sum() * 0, 0};  // no word in any text
  return {step.generator_loss() + step.discriminator_loss() * config_.text.disc_weight,
          static_cast<double>(step.replaced.numel())};
}

Scores ReplacedTokenDetection::evaluate(Split split, const EvaluateOptions& options,
                                        Progress& progress) {
  constexpr int64_t kSeed = 0;  // the same tokens are asked for each time, by the same draws
  const runtime::EvalScope scope(*pair_, options.dtype);
  DetectionSums sums;
  blocks_.for_each_val_batch(
      split, collate(blocks_.val, kSeed), options, scope.device(), progress,
      [&](const data::Batch& batch) { sums.add(detect_replaced(*pair_, batch)); });
  if (sums.asked == 0) throw DataError("evaluate", "expected texts to validate with, got none");
  return sums.scores(config_.text.disc_weight);
}

data::Summary ReplacedTokenDetection::data() const { return blocks_.summary(); }

void ReplacedTokenDetection::save(const fs::path& folder) const {
  save_tokenized_model(discriminator_, folder);
  fs::create_directories(folder / ElectraPair::kGenerator);
  save_tokenized_model(generator_, folder / ElectraPair::kGenerator);
}

bool detects_replaced(const TokenizedModel& model) {
  return model.model->head() == models::TextHead::kPreTraining && !model.model->has_next_sentence();
}

std::vector<SuspectToken> find_replaced(const TokenizedModel& model, const std::string& text,
                                        int64_t top, const std::string& dtype, int64_t* truncated) {
  const auto encoding = model.tokenizer->encode(text, {.max_length = model.max_length});
  expect_whole(model, encoding.truncated);
  if (truncated) *truncated = encoding.truncated;
  if (encoding.ids.empty()) return {};
  const std::vector<int64_t> row(encoding.ids.begin(), encoding.ids.end());
  const runtime::EvalScope scope(*model.model, dtype);
  const auto ids = torch::tensor(row, torch::kLong).unsqueeze(0).to(scope.device());
  const auto probabilities =
      model.model
          ->forward(
              {.input_ids = ids, .attention_mask = torch::ones_like(ids), .token_type_ids = {}})[0]
          .to(torch::kFloat)
          .sigmoid()
          .cpu();  // [N]
  expect_finite(probabilities);
  std::vector<SuspectToken> tokens;
  for (size_t i = 0; i < encoding.ids.size(); ++i) {
    if (encoding.special_tokens[i] != 0) continue;
    const auto span = encoding.offsets[i];
    tokens.push_back({.text = text.substr(span.begin, span.end - span.begin),
                      .begin = text::count_code_points(text, span.begin),
                      .end = text::count_code_points(text, span.end),
                      .probability = probabilities[static_cast<int64_t>(i)].item<double>()});
  }
  std::stable_sort(tokens.begin(), tokens.end(), [](const SuspectToken& a, const SuspectToken& b) {
    return a.probability > b.probability;
  });
  if (static_cast<int64_t>(tokens.size()) > top) tokens.resize(static_cast<size_t>(top));
  return tokens;
}

}  // namespace braid::tasks
