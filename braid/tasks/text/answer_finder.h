// Answers from where a model lets them begin and end, over all windows of a text.
//
// Reference: postprocess_qa_predictions in utils_qa.py of Hugging Face transformers (Apache-2.0).
// Differences: a span that two windows have counts once, with its larger score; without any span
// the answer is empty.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "braid/core/progress.h"
#include "braid/data/text/question_collate.h"
#include "braid/tasks/config.h"
#include "braid/tasks/metrics/squad.h"
#include "braid/tasks/task.h"
#include "braid/tasks/text/tokenized_model.h"

namespace braid::tasks {

// Throws DataError for a model without such a head. folder: its own, for the error.
void expect_question_answerer(const TokenizedModel& model, const std::filesystem::path& folder);

struct AnswerSpan {
  std::optional<text::Span> span;  // in the context; none: it has no answer
  double score = 0;                // logits of begin and end
  double probability = 0;          // among those that were found
};

// What was found for one question.
class AnswerCandidates {
 public:
  explicit AnswerCandidates(const QuestionOptions& options) : options_(options) {}
  // A window's logits [N,2] float32 on the CPU, and where its tokens are (QuestionWindows::spans).
  void add(const torch::Tensor& logits, const std::vector<std::optional<text::Span>>& spans);
  // The best ones, n_best_size at most, the best first. with_none: no answer is one of them, with
  // the smallest score that it has in any window.
  std::vector<AnswerSpan> best(bool with_none) const;
  // The answer's text; empty: none. may_be_none: where no answer beats the best one by more than
  // null_score_diff_threshold.
  std::string answer(const std::string& context, bool may_be_none) const;

 private:
  QuestionOptions options_;
  std::vector<AnswerSpan> spans_;
  std::optional<double> none_;
};

// The questions' answers and their scores; nothing may be right where a question has no answer.
AnswerScores score_questions(const TokenizedModel& model, const data::QuestionWindowsPtr& windows,
                             const QuestionOptions& options, const EvaluateOptions& evaluate,
                             Progress& progress);

struct FoundAnswer {
  std::string text;            // empty: the context has no answer
  int64_t begin = 0, end = 0;  // code points of the context
  double score = 0;            // logits of begin and end
  double probability = 0;      // among those that were found
};
// The best ones, at most `top`, no answer among them. Throws DataError for a question that leaves
// no room for its context.
std::vector<FoundAnswer> find_answers(const TokenizedModel& model, const std::string& question,
                                      const std::string& context, int64_t top,
                                      const std::string& dtype);

}  // namespace braid::tasks
