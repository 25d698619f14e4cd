// Exact match and F1 of answers, as SQuAD's official scripts (evaluate-v1.1.py, evaluate-v2.0.py)
// count them. Knows no LibTorch.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "braid/tasks/score.h"

namespace braid::tasks {

// Lower case, without ASCII's punctuation and the words a, an, the; one space between words.
std::u32string normalize_answer(std::string_view text);

struct AnswerScore {
  bool exact = false;
  double f1 = 0;  // of words, 0 to 1
};
// The best over the references. version_2: nothing may be the right answer, and is where there are
// no references; else nothing is never right, by F1.
AnswerScore score_answer(std::string_view answer, const std::vector<std::string>& references,
                         bool version_2);

class AnswerScores {
 public:
  explicit AnswerScores(bool version_2) : version_2_(version_2) {}
  void update(std::string_view answer, const std::vector<std::string>& references);
  int64_t count() const { return answered_.count + unanswerable_.count; }
  // Percent: f1 (the deciding one) and exact_match; of version 2 also those of the questions with
  // and without an answer, where there are any.
  Scores scores() const;

 private:
  struct Sums {
    int64_t count = 0;
    double exact = 0, f1 = 0;
  };
  bool version_2_;
  Sums answered_, unanswerable_;
};

}  // namespace braid::tasks
