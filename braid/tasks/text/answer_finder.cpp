#include "braid/tasks/text/answer_finder.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "braid/core/error.h"
#include "braid/data/sampler.h"
#include "braid/tasks/inference.h"
#include "braid/tasks/predictor.h"
#include "braid/text/utf8.h"

namespace braid::tasks {
namespace {

using torch::Tensor;

constexpr int64_t kWindowsAtOnce = 16;  // of a question that is asked

// The tokens with the largest logits.
std::vector<int64_t> likeliest(const Tensor& logits, int64_t count) {
  const auto tokens = std::get<1>(logits.topk(std::min(count, logits.size(0)))).contiguous();
  return {tokens.data_ptr<int64_t>(), tokens.data_ptr<int64_t>() + tokens.numel()};
}

std::string answer_text(const std::string& context, const text::Span& span) {
  return context.substr(span.begin, span.end - span.begin);
}

// Shows each window's logits, without padding.
void for_each_window(const TokenizedModel& model, const data::QuestionWindowsPtr& windows,
                     const EvaluateOptions& options, Progress& progress,
                     const std::function<void(int64_t window, const Tensor& logits)>& see) {
  data::Loader loader(std::make_shared<data::QuestionCollate>(windows),
                      std::make_unique<data::Sequential>(windows->size(), options.batch_size),
                      {.workers = options.workers, .on_bad_sample = options.on_bad_sample});
  const auto see_batch = [&](const Tensor& logits, const data::Batch& batch) {  // [B,N,2]
    expect_finite(logits);
    const auto tokens = batch.at(data::kAttentionMask).sum(1);
    for (int64_t i = 0; i < batch.size(); ++i)
      see(batch.indices[static_cast<size_t>(i)], logits[i].narrow(0, 0, tokens[i].item<int64_t>()));
  };
  run_all(
      *model.model,
      [&](const data::Batch& batch) { return model.model->forward(text_input(batch)); }, loader,
      windows->size(), options.dtype, progress, see_batch);
}

}  // namespace

void expect_question_answerer(const TokenizedModel& model, const std::filesystem::path& folder) {
  if (model.model->head() == models::TextHead::kQuestionAnswering) return;
  throw DataError("checkpoint",
                  std::string("expected a model that answers questions, got one with the head ") +
                      to_string(model.model->head()),
                  folder.string(), "train one on your data: `braid train --weights` takes it");
}

void AnswerCandidates::add(const Tensor& logits,
                           const std::vector<std::optional<text::Span>>& spans) {
  const auto starts = logits.select(1, 0).contiguous(), ends = logits.select(1, 1).contiguous();
  const float *start = starts.data_ptr<float>(), *end = ends.data_ptr<float>();
  const double none = static_cast<double>(start[0]) + end[0];
  none_ = none_ ? std::min(*none_, none) : none;
  std::map<std::pair<size_t, size_t>, double> found;
  for (const auto& one : spans_) found[{one.span->begin, one.span->end}] = one.score;
  for (const int64_t first : likeliest(starts, options_.n_best_size))
    for (const int64_t last : likeliest(ends, options_.n_best_size)) {
      const auto &begin = spans[static_cast<size_t>(first)],
                 &finish = spans[static_cast<size_t>(last)];
      if (!begin || !finish || last < first || last - first + 1 > options_.max_answer_length ||
          finish->end <= begin->begin)
        continue;
      const double score = static_cast<double>(start[first]) + end[last];
      const auto [at, fresh] = found.try_emplace({begin->begin, finish->end}, score);
      if (!fresh) at->second = std::max(at->second, score);
    }
  spans_.clear();
  for (const auto& [place, score] : found)
    spans_.push_back({.span = text::Span{place.first, place.second}, .score = score});
  std::stable_sort(spans_.begin(), spans_.end(),
                   [](const AnswerSpan& a, const AnswerSpan& b) { return a.score > b.score; });
  if (static_cast<int64_t>(spans_.size()) > options_.n_best_size)
    spans_.resize(static_cast<size_t>(options_.n_best_size));
}

std::vector<AnswerSpan> AnswerCandidates::best(bool with_none) const {
  auto best = spans_;
  if (with_none && none_) best.push_back({.span = {}, .score = *none_});
  std::stable_sort(best.begin(), best.end(),
                   [](const AnswerSpan& a, const AnswerSpan& b) { return a.score > b.score; });
  double sum = 0;
  for (auto& one : best) sum += one.probability = std::exp(one.score - best.front().score);
  for (auto& one : best) one.probability /= sum;
  return best;
}

std::string AnswerCandidates::answer(const std::string& context, bool may_be_none) const {
  if (spans_.empty()) return "";
  const auto& first = spans_.front();
  if (may_be_none && none_ && *none_ - first.score > options_.null_score_diff_threshold) return "";
  return answer_text(context, *first.span);
}

AnswerScores score_questions(const TokenizedModel& model, const data::QuestionWindowsPtr& windows,
                             const QuestionOptions& options, const EvaluateOptions& evaluate,
                             Progress& progress) {
  const auto& questions = windows->questions();
  const bool may_be_none = questions.some_unanswerable();
  AnswerScores scores(may_be_none);
  AnswerCandidates candidates(options);
  int64_t asked = -1;  // the question whose windows are seen
  const auto end_question = [&] {
    if (asked < 0) return;
    const auto& question = questions.get(asked);
    std::vector<std::string> references;
    for (const auto& answer : question.answers) references.push_back(answer.text);
    scores.update(candidates.answer(questions.context_of(question), may_be_none), references);
    candidates = AnswerCandidates(options);
  };
  for_each_window(model, windows, evaluate, progress, [&](int64_t window, const Tensor& logits) {
    const int64_t question = windows->get(window).question;
    if (question != asked) end_question();
    asked = question;
    candidates.add(logits, windows->spans(window));
  });
  end_question();
  if (scores.count() == 0)
    throw DataError("evaluate", "expected a question to evaluate on, but none can be read",
                    questions.size() > 0 ? questions.get(0).place : "");
  return scores;
}

std::vector<FoundAnswer> find_answers(const TokenizedModel& model, const std::string& question,
                                      const std::string& context, int64_t top,
                                      const std::string& dtype) {
  const auto questions = std::make_shared<const data::Questions>(
      std::vector<std::string>{context},
      std::vector<data::Question>{
          {.id = {}, .text = question, .answers = {}, .place = question.substr(0, 80)}});
  data::BadSamples bad("error");
  const auto windows = std::make_shared<const data::QuestionWindows>(
      questions, model.tokenizer, data::WindowOptions{.max_length = model.max_length}, bad);
  QuestionOptions options;
  options.n_best_size = std::max(options.n_best_size, top);
  AnswerCandidates candidates(options);
  Progress silent;
  for_each_window(model, windows, {.batch_size = kWindowsAtOnce, .workers = 0, .dtype = dtype},
                  silent, [&](int64_t window, const Tensor& logits) {
                    candidates.add(logits, windows->spans(window));
                  });
  std::vector<FoundAnswer> found;
  for (const auto& one : candidates.best(/*with_none=*/true)) {
    if (static_cast<int64_t>(found.size()) == top) break;
    FoundAnswer answer{.text = {}, .score = one.score, .probability = one.probability};
    if (one.span) {
      answer.text = answer_text(context, *one.span);
      answer.begin = text::count_code_points(context, one.span->begin);
      answer.end = text::count_code_points(context, one.span->end);
    }
    found.push_back(std::move(answer));
  }
  return found;
}

}  // namespace braid::tasks
