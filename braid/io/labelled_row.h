// Rows of labelled texts: JSON lines, and tables with tabs or commas.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace braid::io {

struct LabelledRow {
  std::string text;
  std::optional<std::string> pair;   // a second text
  std::optional<std::string> label;  // as it is named; unset: the row has none
};

// One JSON object: {"text": .., "label": ..}, with GLUE's other names for both, and a second text
// where there is one. A label is a text, a whole number, true or false; null is none. Throws
// DataError with `where` for anything else, such as a key that is there twice.
LabelledRow parse_json_row(std::string_view line, const std::string& where);

// Which cells of a row are what.
struct RowColumns {
  size_t count = 0;  // cells of a row
  size_t text = 0;
  std::optional<size_t> pair, label;
};

// By tabs, which is all that they mean. A row always has a cell.
std::vector<std::string> split_tab_row(std::string_view line);

// By commas, as RFC 4180 has it: a cell in quotes may hold commas, line ends, and quotes twice.
// Nothing: a quote is open at the end, the next line belongs to the row.
std::optional<std::vector<std::string>> split_comma_row(std::string_view record);

// The columns that a row of names tells, if it is one: a name of a text, and one of a label or of a
// second text or of a number. Throws DataError for the name of a label or text that is there twice.
std::optional<RowColumns> columns_of_header(const std::vector<std::string>& cells,
                                            const std::string& where);

// Columns of rows without a header, by what is in them: the label is the column, first or last,
// with the fewest different values. Two columns are a text and its label, three have a second text.
// Throws DataError for other numbers of columns.
RowColumns guess_columns(const std::vector<std::vector<std::string>>& rows,
                         const std::string& where);

// Throws DataError with `where` where the number of cells is another.
LabelledRow row_of_cells(std::vector<std::string> cells, const RowColumns& columns,
                         const std::string& where);

}  // namespace braid::io
