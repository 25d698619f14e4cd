#include "braid/data/text/questions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_map>
#include <utility>

#include "braid/core/error.h"
#include "braid/core/json.h"
#include "braid/core/natural_order.h"
#include "braid/data/bad_samples.h"
#include "braid/data/locate.h"
#include "braid/data/random.h"
#include "braid/data/text/row_files.h"
#include "braid/io/line_file.h"
#include "braid/io/posix_file.h"

namespace braid::data {
namespace {

namespace fs = std::filesystem;

constexpr const char* kParagraphs = "paragraphs";

// What is read of the files of a split.
struct QuestionTable {
  std::vector<std::string> contexts;
  std::vector<Question> questions;
  std::unordered_map<std::string, int64_t> context_numbers;
  std::set<std::string> ids;

  int64_t context(const std::string& text) {
    const auto [at, fresh] =
        context_numbers.try_emplace(text, static_cast<int64_t>(contexts.size()));
    if (fresh) contexts.push_back(text);
    return at->second;
  }
};

std::string question_suffix(const fs::path& file) {
  const auto name = to_lower(file.extension().string()) == ".gz" ? file.stem() : file.filename();
  return to_lower(name.extension().string());
}

void add_question(QuestionTable& table, io::QuestionRow row, const std::string& place) {
  if (!table.ids.insert(row.id).second)
    throw DataError("data", fmt::format("expected an id for each question, got '{}' twice", row.id),
                    place);
  table.questions.push_back({.id = std::move(row.id),
                             .text = std::move(row.question),
                             .context = table.context(row.context),
                             .answers = std::move(row.answers),
                             .place = place});
}

void read_question_rows(const fs::path& file, QuestionTable& table, BadSamples& bad) {
  io::LineReader lines(file);
  for (int64_t number = 1; const auto line = lines.next(); ++number) {
    if (line->find_first_not_of(" \t\r") == std::string::npos) continue;
    bad.guard([&] {
      const auto place = fmt::format("{}:{}", file.string(), number);
      add_question(table, io::parse_question_row(*line, place), place);
    });
  }
}

std::string whole_text(const fs::path& file) {
  io::LineReader lines(file, kMaxJsonBytes);
  std::string text;
  while (auto line = lines.next()) {
    if (text.size() + line->size() > kMaxJsonBytes)
      throw DataError("data", fmt::format("expected at most {} bytes, got more", kMaxJsonBytes),
                      file.string(), "split the file, or make JSON lines of it");
    text += *line;
    text += '\n';
  }
  return text;
}

// SQuAD's own form.
void read_squad(const fs::path& file, QuestionTable& table, BadSamples& bad) {
  const auto json = parse_json(whole_text(file), {.component = "data", .where = file.string()});
  io::each_squad_question(json, file.string(), [&](const auto& read, const std::string& place) {
    bad.guard([&] { add_question(table, read(), place); });
  });
}

// The beginning of a file: some lines, or part of a long one.
std::string first_lines(const fs::path& file) {
  constexpr int kLines = 50;
  constexpr size_t kBytes = size_t{1} << 20;
  io::LineReader lines(file);
  std::string text;
  for (int i = 0; i < kLines && text.size() < kBytes; ++i) {
    const auto line = lines.next();
    if (!line) break;
    text += line->substr(0, kBytes);
    text += '\n';
  }
  return text;
}

bool is_squad_file(const fs::path& file) {
  const auto begin = first_lines(file);
  return begin.find("\"data\"") != std::string::npos &&
         begin.find(fmt::format("\"{}\"", kParagraphs)) != std::string::npos;
}

bool is_question_file(const fs::path& file) {
  const auto suffix = question_suffix(file);
  if (suffix != ".json" && suffix != ".jsonl" && suffix != ".ndjson") return false;
  try {
    if (suffix == ".json" && is_squad_file(file)) return true;
    io::LineReader lines(file);
    const auto line = lines.next();
    if (!line) return false;
    const auto row = parse_json(*line, {.component = "data", .where = file.string()});
    return row.is_object() && row.contains("question") && row.contains("context") &&
           row.contains("answers");
  } catch (const Error&) {  // whoever reads it says what is wrong
    return false;
  }
}

QuestionsPtr to_questions(QuestionTable table) {
  if (table.questions.empty()) return nullptr;
  return std::make_shared<const Questions>(std::move(table.contexts), std::move(table.questions));
}

QuestionTable read_question_files(const std::vector<fs::path>& files, BadSamples& bad) {
  QuestionTable table;
  for (const auto& file : files)
    if (question_suffix(file) == ".json" && is_squad_file(file))
      read_squad(file, table, bad);
    else
      read_question_rows(file, table, bad);
  return table;
}

// Takes a share of the contexts, drawn, with all that is asked of them.
QuestionTable take_contexts(QuestionTable& table, double fraction, int64_t seed) {
  std::vector<int64_t> order(table.contexts.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int64_t>(i);
  Random(static_cast<uint64_t>(seed)).shuffle(order);
  const auto count =
      static_cast<size_t>(std::max(1.0, std::floor(fraction * static_cast<double>(order.size()))));
  const std::set<int64_t> chosen(order.begin(), order.begin() + static_cast<int64_t>(count));
  QuestionTable rest, taken;
  for (auto& question : table.questions) {
    auto& part = chosen.contains(question.context) ? taken : rest;
    question.context = part.context(table.contexts[static_cast<size_t>(question.context)]);
    part.questions.push_back(std::move(question));
  }
  table = std::move(rest);
  return taken;
}

RowFiles find_question_files(const fs::path& path) {
  if (io::is_folder(path)) return find_row_files(path, is_question_file);
  RowFiles found;
  found.unsplit = true;
  found.train = {path};  // whatever it is: reading it says what is wrong
  return found;
}

}  // namespace

Questions::Questions(std::vector<std::string> contexts, std::vector<Question> questions)
    : contexts_(std::move(contexts)), questions_(std::move(questions)) {
  some_unanswerable_ = std::any_of(questions_.begin(), questions_.end(),
                                   [](const Question& one) { return one.answers.empty(); });
}

QuestionSplits open_questions(const std::string& spec, const QuestionOptions& options) {
  const auto files = find_question_files(locate_data(spec));
  BadSamples bad(options.on_bad_sample);
  auto train = read_question_files(files.train, bad), val = read_question_files(files.val, bad),
       test = read_question_files(files.test, bad);
  if (train.questions.empty() && val.questions.empty() && test.questions.empty())
    throw DataError("data", "expected questions with their contexts, got none", spec,
                    "SQuAD's .json files, or JSON rows with question, context and answers");
  if (val.questions.empty() && options.val_fraction > 0 && train.contexts.size() > 1)
    val = take_contexts(train, options.val_fraction, options.split_seed);
  QuestionSplits splits{.train = to_questions(std::move(train)),
                        .val = to_questions(std::move(val)),
                        .test = to_questions(std::move(test)),
                        .unsplit = files.unsplit,
                        .remarks = files.remarks,
                        .bad_samples = bad.count(),
                        .bad_sample_messages = bad.messages()};
  if (files.left_out.any()) splits.left_out.push_back(files.left_out);
  if (const auto remark = bad.remark("question")) splits.remarks.push_back(*remark);
  return splits;
}

bool is_question_data(const std::string& spec) {
  const auto path = locate_data(spec);
  return io::is_folder(path) ? find_question_files(path).any() : is_question_file(path);
}

AskedQuestion parse_asked_question(const std::string& line, const std::string& where) {
  constexpr const char* kForm = R"(expected {"question": .., "context": ..}, got )";
  constexpr const char* kRemedy = "one question a line, as JSON";
  Json row;
  try {
    row = parse_json(line, {.component = "predict", .where = where, .unique_keys = true});
  } catch (const DataError&) {
    throw DataError("predict", kForm + io::shortened(line), where, kRemedy);
  }
  if (!row.is_object() || !row.contains("question") || !row.contains("context"))
    throw DataError("predict", kForm + io::shortened(line), where, kRemedy);
  return {io::question_text(row, "question", where), io::question_text(row, "context", where),
          row.contains("id") ? row.at("id") : Json(nullptr)};
}

}  // namespace braid::data
