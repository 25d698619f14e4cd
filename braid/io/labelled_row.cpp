#include "braid/io/labelled_row.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "braid/core/error.h"
#include "braid/core/json.h"
#include "braid/core/natural_order.h"

namespace braid::io {
namespace {

using Names = std::vector<std::string>;

// GLUE's names and the usual others; the first that is there counts.
const Names kTextNames = {"text",     "sentence", "sentence1", "premise",  "question1",
                          "question", "review",   "content",   "#1 string"};
const Names kPairNames = {"text_pair", "sentence2", "hypothesis", "question2", "#2 string"};
const Names kLabelNames = {"label",        "labels",  "class",  "category", "gold_label",
                           "is_duplicate", "quality", "target", "sentiment"};
const Names kNumberNames = {"index", "idx", "id"};

constexpr const char* kSkip = "mend or remove it, or leave it out with --on-bad-sample skip";

// The place of the first of `wanted` in `names`.
std::optional<size_t> find_name(const Names& names, const Names& wanted) {
  for (const auto& name : wanted) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found != names.end()) return static_cast<size_t>(found - names.begin());
  }
  return std::nullopt;
}

struct Roles {
  std::optional<size_t> text, pair, label;
};

Roles roles_of(const Names& names) {
  Roles roles{find_name(names, kTextNames), find_name(names, kPairNames),
              find_name(names, kLabelNames)};
  // QNLI: a question, and the sentence that may answer it.
  const auto question = find_name(names, {"question"}), sentence = find_name(names, {"sentence"});
  if (question && sentence) roles.text = question, roles.pair = sentence;
  return roles;
}

std::string label_text(const Json& value, const std::string& where) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
  if (value.is_number_integer()) return value.dump();
  constexpr double kExact = 9007199254740992;  // 2^53
  if (value.is_number_float()) {
    const auto number = value.get<double>();
    if (number == std::floor(number) && std::abs(number) <= kExact)
      return std::to_string(static_cast<int64_t>(number));
    throw DataError("data", fmt::format("expected a class for a label, got {}", number), where,
                    "classes are names or whole numbers; values in between cannot be learned");
  }
  throw DataError("data", fmt::format("expected one label, got {}", value.type_name()), where,
                  kSkip);
}

std::string text_of(const Json& value, const std::string& key, const std::string& where) {
  if (value.is_string()) return value.get<std::string>();
  throw DataError("data", fmt::format("expected a text in '{}', got {}", key, value.type_name()),
                  where, kSkip);
}

std::string without_spaces(const std::string& cell) {
  const size_t begin = cell.find_first_not_of(' ');
  if (begin == std::string::npos) return "";
  return cell.substr(begin, cell.find_last_not_of(' ') - begin + 1);
}

bool is_integer(const std::string& text) {
  const size_t first = text.starts_with('-') ? 1 : 0;
  return text.size() > first && text.find_first_not_of("0123456789", first) == std::string::npos;
}

// What speaks for a column being the label; the smallest is it.
struct LabelSigns {
  size_t distinct = 0;  // values
  bool no_integers = true;
  size_t longest = 0;  // bytes
  auto operator<=>(const LabelSigns&) const = default;
};

LabelSigns label_signs(const std::vector<Names>& rows, size_t column) {
  std::set<std::string> values;
  LabelSigns signs{0, false, 0};
  for (const auto& row : rows) {
    values.insert(row[column]);
    signs.no_integers = signs.no_integers || !is_integer(row[column]);
    signs.longest = std::max(signs.longest, row[column].size());
  }
  signs.distinct = values.size();
  return signs;
}

}  // namespace

LabelledRow parse_json_row(std::string_view line, const std::string& where) {
  Json row;
  try {
    row = parse_json(line, {.component = "data", .where = "", .unique_keys = true});
  } catch (const DataError& e) {
    const std::string reason = e.what();
    throw DataError("data", "expected a JSON object, got " + reason.substr(reason.find(' ') + 1),
                    where, kSkip);
  }
  if (!row.is_object())
    throw DataError("data", fmt::format("expected a JSON object, got {}", row.type_name()), where,
                    "each line is an object such as {\"text\": \"..\", \"label\": \"..\"}");
  Names keys;
  for (const auto& [key, value] : row.items()) keys.push_back(key);
  const auto roles = roles_of(keys);
  if (!roles.text)
    throw DataError(
        "data",
        keys.empty()
            ? std::string("expected a text, got an empty object")
            : fmt::format(
                  "expected a text, got the keys {}",
                  fmt::join(keys.begin(),
                            keys.begin() + static_cast<int64_t>(std::min(size_t{10}, keys.size())),
                            ", ")),
        where, fmt::format("name it one of {}", fmt::join(kTextNames, ", ")));
  const auto value_at = [&](size_t place) -> const Json& { return row.at(keys[place]); };
  LabelledRow out;
  out.text = text_of(value_at(*roles.text), keys[*roles.text], where);
  if (roles.pair && !value_at(*roles.pair).is_null())
    out.pair = text_of(value_at(*roles.pair), keys[*roles.pair], where);
  if (roles.label && !value_at(*roles.label).is_null())
    out.label = label_text(value_at(*roles.label), where);
  return out;
}

std::vector<std::string> split_tab_row(std::string_view line) {
  std::vector<std::string> cells;
  size_t begin = 0;
  for (size_t tab = line.find('\t'); tab != std::string_view::npos; tab = line.find('\t', begin)) {
    cells.emplace_back(line.substr(begin, tab - begin));
    begin = tab + 1;
  }
  cells.emplace_back(line.substr(begin));
  return cells;
}

std::optional<std::vector<std::string>> split_comma_row(std::string_view record) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (size_t i = 0; i < record.size(); ++i) {
    const char c = record[i];
    if (quoted) {
      if (c != '"') {
        cells.back() += c;
      } else if (i + 1 < record.size() && record[i + 1] == '"') {
        cells.back() += c;
        ++i;
      } else {
        quoted = false;
      }
    } else if (c == '"' && cells.back().empty()) {
      quoted = true;
    } else if (c == ',') {
      cells.emplace_back();
    } else {
      cells.back() += c;
    }
  }
  if (quoted) return std::nullopt;
  return cells;
}

std::optional<RowColumns> columns_of_header(const std::vector<std::string>& cells,
                                            const std::string& where) {
  Names names;
  for (const auto& cell : cells) {
    constexpr size_t kLongestName = 100;  // a row of long texts is none of names
    names.push_back(cell.size() <= kLongestName ? to_lower(without_spaces(cell)) : "");
  }
  const auto roles = roles_of(names);
  if (!roles.text) return std::nullopt;
  if (!roles.label && !roles.pair && !find_name(names, kNumberNames)) return std::nullopt;
  for (const auto& role : {roles.text, roles.pair, roles.label})
    if (role && std::count(names.begin(), names.end(), names[*role]) > 1)
      throw DataError("data", fmt::format("expected one column '{}', got several", names[*role]),
                      where, "rename or remove the others");
  return RowColumns{names.size(), *roles.text, roles.pair, roles.label};
}

RowColumns guess_columns(const std::vector<std::vector<std::string>>& rows,
                         const std::string& where) {
  const size_t count = rows.empty() ? 0 : rows.front().size();
  if (count < 2 || count > 3)
    throw DataError("data",
                    fmt::format("expected rows of a text and a label, got {} column{}", count,
                                count == 1 ? "" : "s"),
                    where,
                    "separate text and label by a tab, or begin the file with the columns' names, "
                    "such as text<TAB>label");
  std::vector<Names> like_first;
  for (const auto& row : rows)
    if (row.size() == count) like_first.push_back(row);
  const size_t last = count - 1;
  const bool first_is_label = label_signs(like_first, 0) < label_signs(like_first, last);
  RowColumns columns{count, first_is_label ? size_t{1} : size_t{0}, std::nullopt,
                     first_is_label ? size_t{0} : last};
  if (count == 3) columns.pair = columns.text + 1;
  return columns;
}

LabelledRow row_of_cells(std::vector<std::string> cells, const RowColumns& columns,
                         const std::string& where) {
  if (cells.size() != columns.count)
    throw DataError("data", fmt::format("expected {} columns, got {}", columns.count, cells.size()),
                    where, kSkip);
  LabelledRow row;
  if (columns.label) {
    row.label = without_spaces(cells[*columns.label]);
    if (row.label->empty()) row.label.reset();
  }
  row.text = std::move(cells[columns.text]);
  if (columns.pair) row.pair = std::move(cells[*columns.pair]);
  return row;
}

}  // namespace braid::io
