#include "braid/io/question_row.h"

#include <fmt/format.h>

#include <optional>

#include "braid/core/error.h"
#include "braid/core/utf8.h"

namespace braid::io {
namespace {

constexpr const char* kParagraphs = "paragraphs";

// Bytes before the code point of that number; nothing: the text is shorter.
std::optional<size_t> bytes_before(std::string_view text, int64_t code_points) {
  if (code_points < 0) return std::nullopt;
  size_t at = 0;
  for (int64_t i = 0; i < code_points; ++i) {
    if (at >= text.size()) return std::nullopt;
    do ++at;
    while (at < text.size() && !starts_code_point(text[at]));
  }
  return at;
}

Answer checked_answer(const Json& text, const Json& start, const std::string& context,
                      const std::string& place) {
  if (!text.is_string() || !start.is_number_integer())
    throw DataError("data", "expected answers of a text and where it begins, got others", place);
  Answer answer{.text = text.get<std::string>()};
  const auto begin = bytes_before(context, start.get<int64_t>());
  if (answer.text.empty() || !begin ||
      std::string_view(context).substr(*begin, answer.text.size()) != answer.text)
    throw DataError("data",
                    fmt::format("expected the answer '{}' at character {} of its context, got '{}'",
                                shortened(answer.text), start.dump(),
                                begin ? shortened(context.substr(*begin, answer.text.size())) : ""),
                    place, "answer_start counts characters from 0");
  answer.begin = *begin;
  return answer;
}

// As a list of answers, or as an object of lists.
bool are_empty(const Json& answers) {
  const auto& list = answers.is_object() && answers.contains("text") ? answers.at("text") : answers;
  return list.empty();
}

std::vector<Answer> read_answers(const Json& row, const std::string& context,
                                 const std::string& place) {
  std::vector<Answer> answers;
  const auto impossible = row.find("is_impossible");
  const bool none = impossible != row.end() && impossible->is_boolean() && impossible->get<bool>();
  const auto it = row.find("answers");
  if (none && it == row.end()) return answers;
  if (none && !are_empty(*it))
    throw DataError("data", "expected no answers to a question with is_impossible, got some", place,
                    "plausible ones are \"plausible_answers\"");
  if (it == row.end() || !(it->is_object() || it->is_array()))
    throw DataError("data", "expected a question's \"answers\", got a row without", place);
  if (it->is_array()) {
    for (const auto& one : *it) {
      if (!one.is_object() || !one.contains("text") || !one.contains("answer_start"))
        throw DataError("data", "expected answers of a text and where it begins, got others",
                        place);
      answers.push_back(checked_answer(one.at("text"), one.at("answer_start"), context, place));
    }
    return answers;
  }
  const auto texts = it->find("text"), starts = it->find("answer_start");
  if (texts == it->end() || starts == it->end() || !texts->is_array() || !starts->is_array() ||
      texts->size() != starts->size())
    throw DataError("data", "expected as many texts of answers as places, got others", place);
  for (size_t i = 0; i < texts->size(); ++i)
    answers.push_back(checked_answer((*texts)[i], (*starts)[i], context, place));
  return answers;
}

// A text or a whole number; of a row without, its place.
std::string question_id(const Json& row, const std::string& place) {
  const auto id = row.find("id");
  if (id == row.end()) return place;
  if (id->is_string()) return id->get<std::string>();
  return id->is_number_integer() ? id->dump() : place;
}

bool is_object_with(const Json& json, const char* list) {
  return json.is_object() && json.contains(list) && json.at(list).is_array();
}

}  // namespace

const std::string& question_text(const Json& row, const char* key, const std::string& place) {
  const auto it = row.find(key);
  if (it == row.end() || !it->is_string())
    throw DataError("data", fmt::format("expected a question's \"{}\", got a row without", key),
                    place);
  const auto& text = it->get_ref<const std::string&>();
  if (text.find_first_not_of(" \t\r\n") == std::string::npos)
    throw DataError("data", fmt::format("expected a {} with something in it, got none", key),
                    place);
  return text;
}

std::string shortened(std::string_view text) {
  constexpr size_t kMost = 80;
  if (text.size() > kMost) return shortened(text.substr(0, kMost)) + "..";
  return std::string(text.substr(0, valid_utf8_prefix(text)));
}

QuestionRow question_row(const Json& row, const std::string& context, const std::string& place) {
  if (!row.is_object())
    throw DataError("data", "expected a question, got " + shortened(row.dump()), place);
  return {.id = question_id(row, place),
          .question = question_text(row, "question", place),
          .context = context,
          .answers = read_answers(row, context, place)};
}

QuestionRow parse_question_row(std::string_view line, const std::string& place) {
  const auto row = parse_json(line, {.component = "data", .where = place, .unique_keys = true});
  if (!row.is_object())
    throw DataError("data", "expected a row of question and context, got another", place);
  return question_row(row, question_text(row, "context", place), place);
}

void each_squad_question(const Json& file, const std::string& where, const SeeQuestion& see) {
  const auto expect_list = [](const Json& of, const char* list, const std::string& place) {
    if (!is_object_with(of, list))
      throw DataError("data", fmt::format("expected a list \"{}\", got none", list), place);
  };
  expect_list(file, "data", where);
  int64_t number = 0;
  for (const auto& article : file.at("data")) {
    expect_list(article, kParagraphs, where);
    for (const auto& paragraph : article.at(kParagraphs)) {
      const auto part = fmt::format("{}, paragraph {}", where, ++number);
      expect_list(paragraph, "qas", part);
      for (int64_t asked = 0; const auto& question : paragraph.at("qas")) {
        ++asked;
        const bool named = question.is_object() && question.contains("id");
        const auto place =
            fmt::format("{}, question {}", part,
                        named ? shortened(question.at("id").dump()) : std::to_string(asked));
        see(
            [&] {
              return question_row(question, question_text(paragraph, "context", place), place);
            },
            place);
      }
    }
  }
}

}  // namespace braid::io
