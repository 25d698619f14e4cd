#include "braid/explain/text_explainer.h"

#include <fmt/format.h>

#include <algorithm>

#include "braid/core/error.h"
#include "braid/core/name_at.h"
#include "braid/data/text/text_collate.h"
#include "braid/explain/class_index.h"
#include "braid/explain/pixel_attribution.h"
#include "braid/explain/text_occlusion.h"
#include "braid/io/asked_text.h"
#include "braid/io/question_row.h"
#include "braid/runtime/device.h"
#include "braid/tasks/predictor.h"
#include "braid/text/token_occlusion.h"

namespace braid::explain {
namespace {

using torch::Tensor;

constexpr const char* kIntegratedGradients = "integrated-gradients";

Tensor find_table(models::TextEncoder& model) {
  for (const auto& item : model.named_parameters())
    if (item.value().dim() == 2 && item.value().size(0) == model.vocab_size() &&
        item.key().find("embed") != std::string::npos)
      return item.value();
  throw DataError("explain", "expected a model with a table of word embeddings, got one without");
}

// Lets a model read embeddings [B,N,D] instead of the words' own: every token has a row of the
// table for itself. The words' come back at the end.
class EmbeddingTable {
 public:
  EmbeddingTable(models::TextEncoder& model, Tensor table, models::TextInput one)
      : model_(model), table_(std::move(table)), words_(table_.detach()), one_(std::move(one)) {}
  ~EmbeddingTable() { table_.set_data(words_); }
  EmbeddingTable(const EmbeddingTable&) = delete;
  EmbeddingTable& operator=(const EmbeddingTable&) = delete;

  const Tensor& words() const { return words_; }
  // Texts that fit at once.
  int64_t capacity() const { return (words_.size(0) - (pad() >= 0)) / one_.input_ids.size(1); }

  // points: [B,N,D] -> [B,K]
  Tensor logits(const Tensor& points) {
    const int64_t B = points.size(0), N = points.size(1);
    const auto rows = rows_of(B * N);
    table_.set_data(torch::zeros_like(words_).index_copy(0, rows, points.flatten(0, 1)));
    const auto repeated = [&](const Tensor& t) {
      return t.defined() ? t.expand({B, N}).contiguous() : t;
    };
    return model_.forward({.input_ids = rows.view({B, N}),
                           .attention_mask = repeated(one_.attention_mask),
                           .token_type_ids = repeated(one_.token_type_ids)});
  }
  Tensor gradient(const Tensor& points, int64_t target) {
    const torch::AutoGradMode with_grad(true);
    const auto logit = logits(points.detach()).select(1, target).sum();
    return torch::autograd::grad({logit}, {table_})[0]
        .index_select(0, rows_of(points.size(0) * points.size(1)))
        .view(points.sizes());
  }

 private:
  int64_t pad() const { return model_.pad_token_id(); }
  // The padding's row gets no gradient and is left out.
  Tensor rows_of(int64_t count) const {
    const auto rows =
        torch::arange(count, torch::TensorOptions(torch::kLong).device(words_.device()));
    return pad() < 0 ? rows : rows + (rows >= pad()).to(torch::kLong);
  }

  models::TextEncoder& model_;
  Tensor table_, words_;
  models::TextInput one_;  // [1,N]
};

// The logits of texts of one length that share everything but their tokens.
text::LogitsOfTokens asking(models::TextEncoder& model, const models::TextInput& one) {
  return [&model, one](const text::TokenIds& rows) {
    const torch::NoGradGuard no_grad;
    const auto count = static_cast<int64_t>(rows.size());
    std::vector<int64_t> ids;
    for (const auto& row : rows) ids.insert(ids.end(), row.begin(), row.end());
    const auto repeated = [&](const Tensor& t) {
      return t.defined() ? t.expand({count, t.size(1)}).contiguous() : t;
    };
    const auto logits =
        model
            .forward(
                {.input_ids =
                     torch::tensor(ids, torch::kLong).view({count, -1}).to(one.input_ids.device()),
                 .attention_mask = repeated(one.attention_mask),
                 .token_type_ids = repeated(one.token_type_ids)})
            .to(torch::TensorOptions(torch::kFloat).device(torch::kCPU))
            .contiguous();  // [R,K]
    std::vector<std::vector<float>> answers;
    for (int64_t row = 0; row < count; ++row) {
      const auto* begin = logits.const_data_ptr<float>() + row * logits.size(1);
      answers.emplace_back(begin, begin + logits.size(1));
    }
    return answers;
  };
}

}  // namespace

TextExplainer::TextExplainer(tasks::TokenizedModel classifier, const ExplainConfig& config,
                             const std::string& device)
    : classifier_(std::move(classifier)), config_(config) {
  if (config.method != "auto" && config.method != kIntegratedGradients &&
      config.method != kOcclusion)
    throw UsageError("explain",
                     "expected integrated-gradients or occlusion of a classifier of texts, got '" +
                         config.method + "'",
                     "--method", "leave it out");
  if (config.layer)
    throw UsageError("explain",
                     "expected no --layer with a classifier of texts, got '" + *config.layer + "'");
  classifier_.model->eval();
  classifier_.model->to(runtime::resolve_device(device));
  if (config.method != kOcclusion) table_ = find_table(*classifier_.model);
}

TextExplanation TextExplainer::explain(const std::string& text,
                                       const std::optional<std::string>& pair) const {
  io::expect_asked(pair, classifier_.hub.text_pairs, "explain", io::shortened(text));
  const text::EncodeOptions options{.max_length = classifier_.max_length};
  const auto encoding = pair ? classifier_.tokenizer->encode_pair(text, *pair, options)
                             : classifier_.tokenizer->encode(text, options);
  tasks::expect_whole(classifier_, encoding.truncated, io::shortened(text));
  const auto N = static_cast<int64_t>(encoding.ids.size());
  const auto batch = data::make_text_batch({{.text = text, .pair = pair}}, *classifier_.tokenizer,
                                           classifier_.max_length)
                         .to(classifier_.model->parameters().at(0).device());
  const auto one = tasks::text_input(batch);
  if (N == 0 || one.input_ids.size(1) != N)
    throw DataError("explain", "expected a text of one token or more, got none",
                    io::shortened(text));
  const ReadText read{.text = text, .pair = pair, .encoding = encoding};
  if (config_.method == kOcclusion)
    return explain_by_occlusion(
        read,
        text::occlude_tokens(encoding, classifier_.tokenizer->special(), config_.batch_size,
                             asking(*classifier_.model, one)),
        *classifier_.tokenizer, classifier_.hub.classes, config_.target);
  return integrate(read, one);
}

TextExplanation TextExplainer::integrate(const ReadText& read, const models::TextInput& one) const {
  const auto& [text, pair, encoding] = read;
  const auto N = static_cast<int64_t>(encoding.ids.size());
  EmbeddingTable table(*classifier_.model, table_, one);
  if (table.capacity() == 0)
    throw DataError("explain",
                    fmt::format("expected at most as many tokens as the vocabulary has, got {}", N),
                    io::shortened(text));

  const torch::NoGradGuard no_grad;
  const auto input =
      table.words().index_select(0, one.input_ids.flatten()).unsqueeze(0);  // [1,N,D]
  const int64_t pad = classifier_.model->pad_token_id();
  auto baseline = pad >= 0 ? table.words()[pad].expand_as(input).clone() : torch::zeros_like(input);
  for (size_t i = 0; i < encoding.special_tokens.size(); ++i)
    if (encoding.special_tokens[i] != 0)
      baseline[0][static_cast<int64_t>(i)].copy_(input[0][static_cast<int64_t>(i)]);

  const auto probabilities = table.logits(input)[0].softmax(0).cpu();
  tasks::expect_finite(probabilities);
  const auto& classes = classifier_.hub.classes;
  const auto best = probabilities.argmax().item<int64_t>();
  TextExplanation e;
  e.text = text;
  e.text_pair = pair;
  e.method = kIntegratedGradients;
  e.index = config_.target ? class_index(*config_.target, classes, probabilities.size(0)) : best;
  e.target = name_at(classes, e.index);
  e.predicted = name_at(classes, best);
  e.probability = probabilities[e.index].item<double>();
  const Differentiable logit{
      .value = [&](const Tensor& points) { return table.logits(points).select(1, e.index); },
      .gradient = [&](const Tensor& points) { return table.gradient(points, e.index); }};
  const auto found = integrated_gradients(logit, input, baseline, config_.steps,
                                          std::min(config_.batch_size, table.capacity()));
  e.truncated = encoding.truncated;
  e.total = found.total;
  e.sum = found.values.sum().item<double>();
  const auto tokens = found.values.sum(1).cpu();  // [N]
  e.tokens = tokens_of(read, *classifier_.tokenizer);
  for (int64_t i = 0; i < N; ++i)
    e.tokens[static_cast<size_t>(i)].attribution = tokens[i].item<double>();
  return e;
}

}  // namespace braid::explain
