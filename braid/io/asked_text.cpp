#include "braid/io/asked_text.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "braid/core/error.h"
#include "braid/io/labelled_row.h"

namespace braid::io {
namespace {

bool looks_like_object(const std::string& line) {
  const size_t begin = line.find_first_not_of(" \t\r\n");
  return begin != std::string::npos && line[begin] == '{';
}

// Of a line that need not be one.
std::optional<LabelledRow> row_of_texts(const std::string& line) {
  if (!looks_like_object(line)) return std::nullopt;
  try {
    return parse_json_row(line, "");
  } catch (const DataError&) {
    return std::nullopt;
  }
}

[[noreturn]] void fail_as_no_pair(const std::string& got, const std::string& where) {
  throw DataError("texts", "expected two texts, as the model was trained on, got " + got, where,
                  R"(put a tab between them, or give {"text": "..", "text_pair": ".."})");
}

}  // namespace

AskedText parse_asked_text(const std::string& line, bool pairs, const std::string& where) {
  if (!pairs) {
    const auto row = row_of_texts(line);
    if (row && row->pair)
      throw DataError(
          "texts", "expected one text, as the model was trained on, got two", where,
          "give texts to a model of pairs; one of an older braid or of another program is "
          "told to be such by \"text_pairs\": true in its config.json, before it is exported");
    return {.text = line, .pair = {}};
  }
  if (looks_like_object(line)) {
    auto row = parse_json_row(line, where);
    if (!row.pair) fail_as_no_pair("an object of one", where);
    return {.text = std::move(row.text), .pair = std::move(row.pair)};
  }
  auto cells = split_tab_row(line);
  if (cells.size() != 2)
    fail_as_no_pair(cells.size() == 1 ? std::string("one") : fmt::format("{}", cells.size()),
                    where);
  return {.text = std::move(cells[0]), .pair = std::move(cells[1])};
}

void expect_asked(const std::optional<std::string>& pair, bool pairs, const std::string& component,
                  const std::string& where) {
  if (pair.has_value() != pairs)
    throw DataError(component,
                    pairs ? "expected two texts to be judged together, got one"
                          : "expected one text, got two to be judged together",
                    where);
}

}  // namespace braid::io
