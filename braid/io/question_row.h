// Questions whose answers stand in a text, as JSON: SQuAD's files and Hugging Face's rows.
#pragma once
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "braid/core/json.h"

namespace braid::io {

struct Answer {
  std::string text;
  size_t begin = 0;  // in its context, bytes
};

struct QuestionRow {
  std::string id;  // the place, where it has none
  std::string question, context;
  std::vector<Answer> answers;  // as several people gave them; none: the context has no answer
};

// The row's text of that key, with something in it. Throws DataError with `place` where there is
// none.
const std::string& question_text(const Json& row, const char* key, const std::string& place);

// {"question": .., "answers": .., "id": ..} about a context. answers: a list of {"text": ..,
// "answer_start": ..} as in SQuAD, or one such object of lists as in Hugging Face's copies;
// "is_impossible": true has none. Throws DataError with `place` for anything else, such as an
// answer that does not stand where it should.
QuestionRow question_row(const Json& row, const std::string& context, const std::string& place);

// One JSON object with its own context.
QuestionRow parse_question_row(std::string_view line, const std::string& place);

// Every question of a file in SQuAD's form: {"data": [{"paragraphs": [{"context": .., "qas":
// [..]}]}]}. see: gets what reads the question, which throws as question_row does, and its place.
// Throws DataError with `where` for another form.
using SeeQuestion =
    std::function<void(const std::function<QuestionRow()>& read, const std::string& place)>;
void each_squad_question(const Json& file, const std::string& where, const SeeQuestion& see);

// The first characters, for a message.
std::string shortened(std::string_view text);

}  // namespace braid::io
