// Questions whose answers stand in a text, and the splits of them that a user names.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "braid/data/left_out.h"
#include "braid/io/question_row.h"

namespace braid::data {

struct Question {
  std::string id, text;
  int64_t context = 0;              // its number
  std::vector<io::Answer> answers;  // as several people gave them; none: the context has no answer
  std::string place;  // for people: "train.jsonl:17", "dev-v1.1.json, question 5733be..."
};

class Questions {
 public:
  Questions(std::vector<std::string> contexts, std::vector<Question> questions);
  int64_t size() const { return static_cast<int64_t>(questions_.size()); }
  const Question& get(int64_t index) const { return questions_.at(static_cast<size_t>(index)); }
  const std::vector<std::string>& contexts() const { return contexts_; }
  const std::string& context_of(const Question& question) const {
    return contexts_.at(static_cast<size_t>(question.context));
  }
  // Whether a question has no answer, as in SQuAD 2.0.
  bool some_unanswerable() const { return some_unanswerable_; }

 private:
  std::vector<std::string> contexts_;
  std::vector<Question> questions_;
  bool some_unanswerable_ = false;
};
using QuestionsPtr = std::shared_ptr<const Questions>;

struct QuestionSplits {
  QuestionsPtr train, val, test;    // null where the data has none
  bool unsplit = false;             // the data knows no splits: all of it is in train
  std::vector<LeftOut> left_out{};  // of the folder where anything was
  std::vector<std::string> remarks{};
  int64_t bad_samples = 0;  // questions that were left out, as they could not be read
  std::vector<std::string> bad_sample_messages{};  // of the first ones
};

struct QuestionOptions {
  // Of a question that cannot be read. error: a DataError that names it; skip: it is left out.
  std::string on_bad_sample = "error";
  // Makes val of a share of train's contexts, with their questions, where the data has none; 0:
  // leaves it null.
  double val_fraction = 0;
  int64_t split_seed = 0;  // of that choice
};

// spec: a name that `braid data get` knows, a file, or a folder of files whose names tell the
// splits:
//   .json             SQuAD's, 1.1 and 2.0: {"data": [{"paragraphs": [{"context", "qas": [..]}]}]}
//   .jsonl, .ndjson   Hugging Face's rows: {"id", "context", "question", "answers": {"text": [..],
//                     "answer_start": [..]}}; also a list of {"text", "answer_start"}
// answer_start counts code points. Throws IoError, or DataError naming the file and the question:
// an answer that is not at its place, an empty context or question, an id that is there twice.
QuestionSplits open_questions(const std::string& spec, const QuestionOptions& options = {});

// Whether spec is such data, by names and the beginning of a file. Throws IoError where nothing is
// there.
bool is_question_data(const std::string& spec);

// {"question", "context"} of a line, for a prediction; an "id" as it stands there. Throws
// DataError.
struct AskedQuestion {
  std::string question, context;
  Json id = nullptr;
};
AskedQuestion parse_asked_question(const std::string& line, const std::string& where);

}  // namespace braid::data
