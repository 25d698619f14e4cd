// Files of rows, a labelled text each: which there are, and what they hold.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "braid/data/bad_samples.h"
#include "braid/data/left_out.h"
#include "braid/io/labelled_row.h"
#include "braid/io/line_file.h"

namespace braid::data {

enum class RowFormat { kJson, kTabs, kCommas };

// By the suffix before .gz; .txt: by a tab in the first line. Nothing: a file of another kind.
std::optional<RowFormat> row_format(const std::filesystem::path& file);

struct RowFiles {
  std::vector<std::filesystem::path> train, val, test;  // each in natural order
  bool unsplit = false;                                 // all are in train
  LeftOut left_out;
  std::vector<std::string> remarks;
  bool any() const { return !(train.empty() && val.empty() && test.empty()); }
};
// A folder's, by their names; where none is that of a split, all files of rows are one set.
// is_rows: of a file, whether it holds rows of the kind that is looked for.
using IsRows = std::function<bool(const std::filesystem::path& file)>;
RowFiles find_row_files(const std::filesystem::path& folder, const IsRows& is_rows);
// Those of labelled texts.
RowFiles find_row_files(const std::filesystem::path& folder);

// One such file.
class RowFile {
 public:
  // columns: of a table that does not name its own; unset: they are guessed. Throws IoError or
  // DataError.
  RowFile(const std::filesystem::path& path, const std::optional<io::RowColumns>& columns);

  int64_t lines() const { return file_.size(); }
  int64_t first_line() const { return first_line_; }    // behind the names of columns
  int64_t blank_start() const { return blank_start_; }  // blank lines before
  // Unset: JSON names them in each row.
  const std::optional<io::RowColumns>& columns() const { return columns_; }
  std::string describe(int64_t line) const { return file_.describe(line); }

  struct Record {
    std::string text;       // valid UTF-8
    int64_t lines = 1;      // that it takes
    bool replaced = false;  // what was no UTF-8
  };
  // Throws DataError where quotes are not closed.
  Record record(int64_t line) const;
  // Throws DataError naming the line.
  io::LabelledRow parse(const Record& record, int64_t line) const;

 private:
  std::vector<std::string> cells(const Record& record) const;

  io::LineFile file_;
  RowFormat format_;
  int64_t blank_start_ = 0, first_line_ = 0;
  std::optional<io::RowColumns> columns_;
};

// The names of labels, numbered as they come.
class LabelNames {
 public:
  static constexpr int32_t kNone = -1;
  int32_t number(const std::string& name);
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::map<std::string, int32_t> numbers_;
  std::vector<std::string> names_;
};

struct RowPlace {
  int64_t line = 0;
  uint32_t file = 0;
  int32_t label = LabelNames::kNone;  // a number of LabelNames
};

// The rows of a split, their texts left where they are.
struct RowTable {
  std::vector<std::shared_ptr<const RowFile>> files;
  std::vector<RowPlace> rows;
  int64_t blank = 0;     // lines without anything, left out
  int64_t empty = 0;     // rows whose text is empty
  int64_t replaced = 0;  // rows with bytes that are no UTF-8
  std::string describe(const RowPlace& row) const { return files[row.file]->describe(row.line); }
};
// Reads all files once. columns: as RowFile has them; those of the first file are kept there.
RowTable read_rows(const std::vector<std::filesystem::path>& files,
                   std::optional<io::RowColumns>& columns, LabelNames& labels, BadSamples& bad);

}  // namespace braid::data
