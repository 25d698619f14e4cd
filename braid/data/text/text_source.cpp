// Opens labelled texts: rows of files, and class folders of files.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "braid/core/error.h"
#include "braid/core/natural_order.h"
#include "braid/core/utf8.h"
#include "braid/data/image/class_folders.h"
#include "braid/data/locate.h"
#include "braid/data/text/row_files.h"
#include "braid/data/text/text_dataset.h"
#include "braid/io/atomic_file.h"
#include "braid/io/gzip.h"
#include "braid/io/posix_file.h"

namespace braid::data {
namespace {

namespace fs = std::filesystem;

// Texts that are rows of files.
class RowTexts final : public TextDataset {
 public:
  // Every row's label is an index into `classes`.
  RowTexts(RowTable table, std::vector<std::string> classes)
      : table_(std::move(table)), classes_(std::move(classes)) {}
  int64_t size() const override { return static_cast<int64_t>(table_.rows.size()); }
  TextExample get(int64_t index) const override {
    const auto& place = row(index);
    const auto& file = *table_.files[place.file];
    auto read = file.parse(file.record(place.line), place.line);
    return {std::move(read.text), std::move(read.pair), place.label};
  }
  int64_t label(int64_t index) const override { return row(index).label; }
  std::string describe(int64_t index) const override { return table_.describe(row(index)); }
  const std::vector<std::string>& classes() const override { return classes_; }

 private:
  const RowPlace& row(int64_t index) const { return table_.rows.at(static_cast<size_t>(index)); }

  RowTable table_;
  std::vector<std::string> classes_;
};

constexpr uint64_t kMaxTextFile = uint64_t{256} << 20;  // bytes, unpacked

// The text of a whole file; ends and kinds of lines stay as they are within it.
std::string read_text_file(const fs::path& file) {
  auto bytes = io::read_file(file, kMaxTextFile);
  if (io::is_gzip(bytes)) bytes = io::gunzip(bytes, kMaxTextFile, file.string());
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff"))
    throw DataError("data", "expected UTF-8, got UTF-16", file.string(),
                    "convert it: iconv -f UTF-16 -t UTF-8");
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  return replace_invalid_utf8(text);
}

// Texts that are a file each.
class FileTexts final : public TextDataset {
 public:
  FileTexts(const std::vector<ClassFolder>& folders, std::vector<std::string> classes)
      : classes_(std::move(classes)) {
    std::map<std::string, int64_t> labels;
    for (size_t c = 0; c < classes_.size(); ++c) labels[classes_[c]] = static_cast<int64_t>(c);
    for (const auto& folder : folders)
      for (const auto& file : folder.files) files_.emplace_back(file, labels.at(folder.name));
    std::stable_sort(files_.begin(), files_.end(),
                     [](const auto& a, const auto& b) { return a.second < b.second; });
  }
  int64_t size() const override { return static_cast<int64_t>(files_.size()); }
  TextExample get(int64_t index) const override {
    const auto& [file, label] = files_.at(static_cast<size_t>(index));
    return {read_text_file(file), std::nullopt, label};
  }
  int64_t label(int64_t index) const override {
    return files_.at(static_cast<size_t>(index)).second;
  }
  std::string describe(int64_t index) const override {
    return files_.at(static_cast<size_t>(index)).first.string();
  }
  const std::vector<std::string>& classes() const override { return classes_; }

 private:
  std::vector<std::pair<fs::path, int64_t>> files_;
  std::vector<std::string> classes_;
};

const ItemFiles& text_files() {
  static constexpr ItemFiles kTexts{[](const fs::path& file) {
                                      const auto name = to_lower(file.filename().string());
                                      return name.ends_with(".txt") || name.ends_with(".txt.gz");
                                    },
                                    "texts", "<text>.txt"};
  return kTexts;
}

bool all_digits(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

// Numbers by their value, where all are: -1 before 0 too.
bool label_less(const std::string& a, const std::string& b) {
  const bool below_a = a.starts_with('-') && all_digits(a.substr(1));
  const bool below_b = b.starts_with('-') && all_digits(b.substr(1));
  if (below_a && below_b) return natural_less(b.substr(1), a.substr(1));
  if (below_a != below_b && (all_digits(a) || all_digits(b))) return below_a;
  return natural_less(a, b);
}

// In natural order, or in `order` where that has the same names.
std::vector<std::string> order_classes(const std::set<std::string>& names,
                                       const std::vector<std::string>& order) {
  if (order.size() == names.size() && std::set(order.begin(), order.end()) == names) return order;
  std::vector<std::string> natural(names.begin(), names.end());
  std::stable_sort(natural.begin(), natural.end(), label_less);
  return natural;
}

std::string some_labels(const std::vector<std::string>& names) {
  constexpr size_t kShown = 8;
  const size_t shown = std::min(kShown, names.size());
  return fmt::format("'{}'{}",
                     fmt::join(names.begin(), names.begin() + static_cast<int64_t>(shown), "', '"),
                     names.size() > shown ? ", ..." : "");
}

void expect_few_classes(const std::set<std::string>& names, size_t rows, const std::string& where) {
  constexpr size_t kFew = 50;
  if (names.size() <= kFew || 2 * names.size() <= rows) return;
  throw DataError(
      "data",
      fmt::format("expected classes that repeat, got {} different labels in {} rows, "
                  "such as {}",
                  names.size(), rows, some_labels({names.begin(), std::next(names.begin(), 3)})),
      where, "the column of labels is another; name the columns in the first line");
}

std::string counted(int64_t n, const char* one, const char* many) {
  return fmt::format("{} {}", n, n == 1 ? one : many);
}

// What is odd about a split's rows, in one line; empty: nothing.
std::string row_remark(const std::string& split, const RowTable& table) {
  std::vector<std::string> parts;
  if (table.blank > 0)
    parts.push_back(counted(table.blank, "blank line is", "blank lines are") + " left out");
  if (table.empty > 0) parts.push_back(counted(table.empty, "text is empty", "texts are empty"));
  if (table.replaced > 0)
    parts.push_back("what is no UTF-8 in " + counted(table.replaced, "row", "rows") +
                    " is read as U+FFFD");
  return parts.empty() ? "" : fmt::format("In {} {}.", split, fmt::join(parts, ", "));
}

struct OpenRows {
  RowTable table;
  std::string split;
  bool labelled = true;
};

// A test set that keeps its labels to itself, as GLUE's do, has none, or -1 in every row.
bool has_labels(const RowTable& table, const LabelNames& labels,
                const std::set<std::string>& of_train) {
  return std::any_of(table.rows.begin(), table.rows.end(), [&](const RowPlace& row) {
    if (row.label == LabelNames::kNone) return false;
    const auto& name = labels.names()[static_cast<size_t>(row.label)];
    return name != "-1" || of_train.contains(name);
  });
}

// Rows with a label of `classes`, numbered as they are; the others are bad.
TextDatasetPtr make_row_texts(OpenRows part, const LabelNames& labels,
                              const std::vector<std::string>& classes, BadSamples& bad,
                              TextSplits& splits) {
  if (part.table.files.empty()) return nullptr;
  auto remark = row_remark(part.split, part.table);
  if (!part.labelled) {
    splits.remarks.push_back(fmt::format("{} has no labels: it is not used as {}.",
                                         part.table.describe({}), part.split));
    return nullptr;
  }
  std::map<std::string, int32_t> numbers;
  for (size_t c = 0; c < classes.size(); ++c) numbers[classes[c]] = static_cast<int32_t>(c);
  std::vector<RowPlace> kept;
  for (const auto& row : part.table.rows)
    bad.guard([&] {
      if (row.label == LabelNames::kNone)
        throw DataError("data", "expected a label, got none", part.table.describe(row),
                        "give the row one, or leave it out with --on-bad-sample skip");
      const auto& name = labels.names()[static_cast<size_t>(row.label)];
      const auto number = numbers.find(name);
      if (number == numbers.end())
        throw DataError("data", fmt::format("expected a label that train has, got '{}'", name),
                        part.table.describe(row),
                        fmt::format("train's are {}; give train rows of this one, or leave these "
                                    "out with --on-bad-sample skip",
                                    some_labels(classes)));
      kept.push_back({row.line, row.file, number->second});
    });
  if (kept.empty())
    throw DataError("data", "expected rows of texts and labels, got none that can be used",
                    part.table.describe({}));
  part.table.rows = std::move(kept);
  if (!remark.empty()) splits.remarks.push_back(std::move(remark));
  return std::make_shared<RowTexts>(std::move(part.table), classes);
}

std::set<std::string> names_in(const RowTable& table, const LabelNames& labels) {
  std::set<int32_t> numbers;
  for (const auto& row : table.rows)
    if (row.label != LabelNames::kNone) numbers.insert(row.label);
  std::set<std::string> names;
  for (const int32_t number : numbers) names.insert(labels.names()[static_cast<size_t>(number)]);
  return names;
}

TextSplits open_row_files(RowFiles files, const TextSourceOptions& options) {
  TextSplits splits;
  BadSamples bad(options.on_bad_sample);
  LabelNames labels;
  std::optional<io::RowColumns> columns;
  splits.unsplit = files.unsplit;
  splits.remarks = std::move(files.remarks);
  if (files.left_out.any()) splits.left_out.push_back(std::move(files.left_out));
  OpenRows train{read_rows(files.train, columns, labels, bad), "train"};
  OpenRows val{read_rows(files.val, columns, labels, bad), "val"};
  OpenRows test{read_rows(files.test, columns, labels, bad), "test"};
  auto names = names_in(train.table, labels);
  if (!files.train.empty()) {
    if (names.empty() && !train.table.rows.empty())
      throw DataError("data", "expected a label in every row, got none", files.train[0].string(),
                      "name the column or key of the labels 'label'");
    expect_few_classes(names, train.table.rows.size(), files.train[0].string());
    val.labelled = val.table.rows.empty() || has_labels(val.table, labels, names);
    test.labelled = test.table.rows.empty() || has_labels(test.table, labels, names);
  } else {
    names = names_in(val.table, labels);
    names.merge(names_in(test.table, labels));
  }
  const auto classes = order_classes(names, options.class_order);
  splits.train = make_row_texts(std::move(train), labels, classes, bad, splits);
  splits.val = make_row_texts(std::move(val), labels, classes, bad, splits);
  splits.test = make_row_texts(std::move(test), labels, classes, bad, splits);
  splits.bad_samples = bad.count();
  splits.bad_sample_messages = bad.messages();
  return splits;
}

// IMDb's train/unsup and its like: texts for pre-training beside the classes.
bool is_unlabelled(const std::string& name) {
  const auto lower = to_lower(name);
  return lower == "unsup" || lower == "unsupervised" || lower == "unlabeled" ||
         lower == "unlabelled";
}

std::vector<ClassFolder> list_text_folders(const fs::path& folder, const std::string& split,
                                           TextSplits& splits) {
  if (folder.empty()) return {};
  LeftOut left_out;
  left_out.split = split;
  auto classes = list_class_folders(folder, left_out, text_files());
  std::erase_if(classes, [&](const ClassFolder& found) {
    if (!is_unlabelled(found.name)) return false;
    splits.remarks.push_back(
        fmt::format("'{}' is no class: its {} are left out of {}.", found.name,
                    counted(static_cast<int64_t>(found.files.size()), "text", "texts"), split));
    return true;
  });
  if (classes.empty())
    throw DataError("data",
                    left_out.any()
                        ? "expected one folder of texts per class, got " + to_text(left_out)
                        : std::string("expected one folder per class, got none"),
                    folder.string(), "arrange the texts as <folder>/<class>/<text>.txt");
  if (left_out.any()) splits.left_out.push_back(std::move(left_out));
  return classes;
}

TextDatasetPtr make_file_texts(const std::vector<ClassFolder>& folders,
                               const std::set<std::string>& names,
                               const std::vector<std::string>& classes, const fs::path& where) {
  if (where.empty()) return nullptr;
  for (const auto& found : folders)
    if (!names.contains(found.name))
      throw DataError("data", fmt::format("expected a class that train has, got '{}'", found.name),
                      where.string(),
                      "give train texts of this class, remove its folder here, or name it as train "
                      "does");
  return std::make_shared<FileTexts>(folders, classes);
}

TextSplits open_text_folders(const fs::path& folder, const TextSourceOptions& options) {
  TextSplits splits;
  auto folders = find_split_folders(folder, text_files());
  splits.unsplit = !folders.any();
  if (splits.unsplit) folders.train = folder;
  splits.remarks = std::move(folders.remarks);
  if (folders.left_out.any()) splits.left_out.push_back(std::move(folders.left_out));
  const auto train = list_text_folders(folders.train, splits.unsplit ? "all" : "train", splits);
  const auto val = list_text_folders(folders.val, "val", splits);
  const auto test = list_text_folders(folders.test, "test", splits);
  std::set<std::string> names;
  const auto add = [&](const std::vector<ClassFolder>& found) {
    for (const auto& one : found) names.insert(one.name);
  };
  add(train);
  if (names.empty()) add(val), add(test);
  const auto classes = order_classes(names, options.class_order);
  splits.train = make_file_texts(train, names, classes, folders.train);
  splits.val = make_file_texts(val, names, classes, folders.val);
  splits.test = make_file_texts(test, names, classes, folders.test);
  return splits;
}

}  // namespace

TextSplits open_text_source(const std::string& spec, const TextSourceOptions& options) {
  const fs::path path = locate_data(spec);
  if (!io::is_folder(path)) {
    if (!row_format(path))
      throw DataError("data", "expected a file of labelled texts, got another kind", spec,
                      "give a .jsonl, .tsv or .csv file, or a folder of them");
    RowFiles files;
    files.train = {path};
    files.unsplit = true;
    return open_row_files(std::move(files), options);
  }
  auto files = find_row_files(path);
  return files.any() ? open_row_files(std::move(files), options) : open_text_folders(path, options);
}

bool is_labelled_text(const std::string& spec) {
  const fs::path path = locate_data(spec);
  const auto labelled = [](const fs::path& file) {
    const auto format = row_format(file);
    if (format != RowFormat::kJson) return format.has_value();
    try {
      const RowFile rows(file, std::nullopt);
      return rows.parse(rows.record(rows.first_line()), rows.first_line()).label.has_value();
    } catch (const DataError&) {
      return true;  // whoever opens it says what is wrong
    }
  };
  if (!io::is_folder(path)) return labelled(path);
  if (holds_images(path)) return false;
  const auto files = find_row_files(path);
  if (files.any())
    return labelled(!files.train.empty() ? files.train[0]
                    : !files.val.empty() ? files.val[0]
                                         : files.test[0]);
  try {
    LeftOut left_out;
    const auto splits = find_split_folders(path, text_files());
    return !list_class_folders(splits.train.empty() ? path : splits.train, left_out, text_files())
                .empty();
  } catch (const DataError&) {
    return false;
  }
}

}  // namespace braid::data
