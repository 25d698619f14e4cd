#include "braid/data/text/row_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "braid/core/error.h"
#include "braid/core/natural_order.h"
#include "braid/core/utf8.h"
#include "braid/data/image/class_folders.h"
#include "braid/io/posix_file.h"

namespace braid::data {
namespace {

namespace fs = std::filesystem;

// "train.tsv" of "train.tsv.gz".
fs::path without_gz(const fs::path& file) {
  return to_lower(file.extension().string()) == ".gz" ? file.stem() : file.filename();
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n\f\v") == std::string_view::npos;
}

// The first line that holds anything; empty: none does.
std::string first_line_of(const fs::path& file) {
  constexpr int kTries = 100;
  io::LineReader reader(file);
  for (int i = 0; i < kTries; ++i) {
    auto line = reader.next();
    if (!line) break;
    if (!is_blank(*line)) return *line;
  }
  return "";
}

// Whether a file counts only by the name of a split: others of its kind are about something else.
bool needs_split_name(const fs::path& file) {
  const auto suffix = to_lower(without_gz(file).extension().string());
  return suffix == ".json" || suffix == ".txt";
}

struct NamedFile {
  fs::path path;
  std::string split;  // empty: its name is none of a split
};

void list_row_files(const fs::path& folder, const std::string& split, const IsRows& is_rows,
                    std::vector<NamedFile>& files, LeftOut& left_out) {
  for (const auto& path : io::list_folder(folder)) {
    const auto name = path.filename().string();
    std::error_code error;
    if (name.starts_with('.')) {
      ++left_out.hidden;
    } else if (fs::is_directory(path, error)) {
      const auto of_folder = split_of_name(name);
      const size_t before = files.size();
      if (split.empty() && !of_folder.empty())
        list_row_files(path, of_folder, is_rows, files, left_out);
      if (files.size() == before) left_out.folders.push_back(name);
    } else if (!fs::exists(path, error)) {
      ++left_out.links;
    } else {
      auto of_file = split_of_name(without_gz(path).stem().string());
      if (!split.empty()) of_file = split;
      const bool rows = fs::is_regular_file(path, error) &&
                        (!needs_split_name(path) || !of_file.empty()) && is_rows(path);
      if (rows) {
        files.push_back({path, of_file});
      } else {
        ++left_out.other_files;
        const auto kind = to_lower(path.extension().string());
        auto& kinds = left_out.kinds;
        constexpr size_t kKinds = 8;
        if (!kind.empty() && kinds.size() < kKinds &&
            std::find(kinds.begin(), kinds.end(), kind) == kinds.end())
          kinds.push_back(kind);
      }
    }
  }
}

}  // namespace

std::optional<RowFormat> row_format(const fs::path& file) {
  const auto suffix = to_lower(without_gz(file).extension().string());
  if (suffix == ".jsonl" || suffix == ".ndjson" || suffix == ".json") return RowFormat::kJson;
  if (suffix == ".tsv") return RowFormat::kTabs;
  if (suffix == ".csv") return RowFormat::kCommas;
  if (suffix == ".txt" && first_line_of(file).find('\t') != std::string::npos)
    return RowFormat::kTabs;
  return std::nullopt;
}

RowFiles find_row_files(const fs::path& folder) {
  return find_row_files(folder, [](const fs::path& file) { return row_format(file).has_value(); });
}

RowFiles find_row_files(const fs::path& folder, const IsRows& is_rows) {
  RowFiles found;
  found.left_out.split = "all";
  std::vector<NamedFile> files;
  list_row_files(folder, "", is_rows, files, found.left_out);
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) {
    return natural_less(a.path.string(), b.path.string());
  });
  const bool named =
      std::any_of(files.begin(), files.end(), [](const auto& file) { return !file.split.empty(); });
  found.unsplit = !named;
  for (const auto& file : files) {
    if (named && file.split.empty()) {
      ++found.left_out.other_files;
      continue;
    }
    (file.split == "val"    ? found.val
     : file.split == "test" ? found.test
                            : found.train)
        .push_back(file.path);
  }
  for (const auto& [split, of_split] :
       {std::pair("train", &found.train), {"val", &found.val}, {"test", &found.test}}) {
    if (of_split->size() < 2) continue;
    std::vector<std::string> names;
    for (const auto& path : *of_split) names.push_back("'" + path.filename().string() + "'");
    constexpr size_t kShown = 4;
    const size_t shown = std::min(kShown, names.size());
    found.remarks.push_back(fmt::format(
        "Read {}{} as {}.",
        fmt::join(names.begin(), names.begin() + static_cast<int64_t>(shown), ", "),
        names.size() > shown ? fmt::format(" and {} more", names.size() - shown) : "", split));
  }
  return found;
}

RowFile::RowFile(const fs::path& path, const std::optional<io::RowColumns>& columns)
    : file_(path), format_(row_format(path).value_or(RowFormat::kTabs)) {
  if (lines() == 1 && file_.read(0).find('\r') != std::string::npos)
    throw DataError("data", "expected lines that end in \\n, got \\r alone", path.string(),
                    "convert it: tr '\\r' '\\n'");
  while (first_line_ < lines() && is_blank(file_.read(first_line_))) ++first_line_;
  blank_start_ = first_line_;
  if (first_line_ == lines())
    throw DataError("data", "expected rows of texts and labels, got none", path.string());
  const auto first = record(first_line_);
  if (format_ == RowFormat::kJson) {
    if (first.text.find_first_not_of(' ') == first.text.find('['))
      throw DataError("data", "expected a JSON object a line, got a list", file_.describe(0),
                      "write its elements a line each: jq -c '.[]'");
    return;
  }
  columns_ = io::columns_of_header(cells(first), describe(first_line_));
  if (columns_) {
    first_line_ += first.lines;
  } else if (columns) {
    columns_ = columns;
  } else {
    constexpr size_t kLooks = 1000;
    std::vector<std::vector<std::string>> rows;
    for (int64_t line = first_line_; line < lines() && rows.size() < kLooks;) {
      const auto next = record(line);
      if (!is_blank(next.text)) rows.push_back(cells(next));
      line += next.lines;
    }
    columns_ = io::guess_columns(rows, describe(first_line_));
  }
}

RowFile::Record RowFile::record(int64_t line) const {
  constexpr int64_t kMostLines = 10'000;
  Record record;
  record.text = file_.read(line);
  if (format_ == RowFormat::kCommas && record.text.find('"') != std::string::npos) {
    bool closed = io::split_comma_row(record.text).has_value();
    while (!closed) {
      if (record.lines == kMostLines || line + record.lines == lines())
        throw DataError("data", "expected the end of a cell in quotes, got none", describe(line),
                        "write a quote within a cell twice");
      const auto more = file_.read(line + record.lines++);
      record.text += "\n" + more;
      if (more.find('"') != std::string::npos)
        closed = io::split_comma_row(record.text).has_value();
    }
  }
  if (valid_utf8_prefix(record.text) < record.text.size()) {
    record.text = replace_invalid_utf8(record.text);
    record.replaced = true;
  }
  return record;
}

std::vector<std::string> RowFile::cells(const Record& record) const {
  if (format_ == RowFormat::kTabs) return io::split_tab_row(record.text);
  return io::split_comma_row(record.text).value();
}

io::LabelledRow RowFile::parse(const Record& record, int64_t line) const {
  if (format_ == RowFormat::kJson) return io::parse_json_row(record.text, describe(line));
  return io::row_of_cells(cells(record), *columns_, describe(line));
}

int32_t LabelNames::number(const std::string& name) {
  const auto [known, is_new] = numbers_.emplace(name, static_cast<int32_t>(names_.size()));
  if (is_new) names_.push_back(name);
  return known->second;
}

RowTable read_rows(const std::vector<fs::path>& files, std::optional<io::RowColumns>& columns,
                   LabelNames& labels, BadSamples& bad) {
  RowTable table;
  for (const auto& path : files) {
    const auto file = std::make_shared<RowFile>(path, columns);
    if (!columns) columns = file->columns();
    const auto number = static_cast<uint32_t>(table.files.size());
    table.files.push_back(file);
    table.blank += file->blank_start();
    for (int64_t line = file->first_line(); line < file->lines();) {
      const auto record = file->record(line);
      const int64_t here = line;
      line += record.lines;
      if (is_blank(record.text)) {
        ++table.blank;
        continue;
      }
      bad.guard([&] {
        const auto row = file->parse(record, here);
        const bool labelled = row.label && !row.label->empty();
        table.rows.push_back(
            {here, number, labelled ? labels.number(*row.label) : LabelNames::kNone});
        table.empty += is_blank(row.text) && (!row.pair || is_blank(*row.pair)) ? 1 : 0;
        table.replaced += record.replaced ? 1 : 0;
      });
    }
  }
  return table;
}

}  // namespace braid::data
