#include "braid/data/text/tagged_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "braid/core/error.h"
#include "braid/core/json.h"
#include "braid/core/natural_order.h"
#include "braid/core/utf8.h"
#include "braid/data/bad_samples.h"
#include "braid/data/locate.h"
#include "braid/data/stratify.h"
#include "braid/data/text/row_files.h"
#include "braid/io/line_file.h"
#include "braid/io/posix_file.h"

namespace braid::data {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 4> kColumnSuffixes = {".conll", ".bio", ".iob", ".iob2"};
constexpr std::array<std::string_view, 3> kJsonSuffixes = {".jsonl", ".ndjson", ".json"};
constexpr std::array<const char*, 2> kWordFields = {"tokens", "words"};
constexpr std::array<const char*, 3> kTagFields = {"ner_tags", "tags", "labels"};

// A sentence whose tags are still names.
struct NamedSentence {
  std::vector<std::string> words, tags;
  std::string place;
};

fs::path unpacked(const fs::path& file) {
  return to_lower(file.extension().string()) == ".gz" ? file.stem() : file.filename();
}

template <size_t N>
bool has_suffix(const fs::path& file, const std::array<std::string_view, N>& suffixes) {
  const auto suffix = to_lower(unpacked(file).extension().string());
  return std::find(suffixes.begin(), suffixes.end(), suffix) != suffixes.end();
}

template <size_t N>
const Json* list_of(const Json& row, const std::array<const char*, N>& names) {
  for (const char* name : names)
    if (const auto it = row.find(name); it != row.end() && it->is_array()) return &*it;
  return nullptr;
}

std::optional<Json> parse_row(const std::string& line, const std::string& where) {
  auto row = parse_json(line, {.component = "data", .where = where, .unique_keys = true});
  if (!row.is_object()) return std::nullopt;
  return row;
}

// Whether the first row has words and tags.
bool begins_tagged(const fs::path& file) {
  try {
    io::LineReader lines(file);
    const auto line = lines.next();
    if (!line) return false;
    const auto row = parse_row(*line, file.string());
    return row && list_of(*row, kWordFields) && list_of(*row, kTagFields);
  } catch (const Error&) {  // whoever reads it says what is wrong
    return false;
  }
}

bool is_tagged_file(const fs::path& file) {
  if (has_suffix(file, kColumnSuffixes)) return true;
  return has_suffix(file, kJsonSuffixes) && begins_tagged(file);
}

std::vector<std::string> columns_of(std::string_view line) {
  std::vector<std::string> columns;
  constexpr auto kBlank = " \t\r";
  for (size_t begin = line.find_first_not_of(kBlank); begin != std::string_view::npos;) {
    const size_t end = std::min(line.find_first_of(kBlank, begin), line.size());
    columns.emplace_back(line.substr(begin, end - begin));
    begin = line.find_first_not_of(kBlank, end);
  }
  return columns;
}

// A word a line.
class ColumnReader {
 public:
  ColumnReader(const fs::path& file, BadSamples& bad, std::vector<NamedSentence>& sentences)
      : file_(file), bad_(bad), sentences_(sentences) {}

  void read() {
    io::LineReader lines(file_);
    while (auto line = lines.next()) {
      ++number_;
      add_line(columns_of(replace_invalid_utf8(*line)));
    }
    end_sentence();
  }

 private:
  void add_line(const std::vector<std::string>& columns) {
    if (columns.empty() || columns[0] == "-DOCSTART-") return end_sentence();
    if (width_ == 0 && columns.size() > 1) width_ = columns.size();
    if (columns.size() != width_) {
      if (columns[0].starts_with('#')) return;  // a comment
      if (!fault_) fault_ = {number_, columns.size()};
      return;
    }
    if (sentence_.words.empty()) sentence_.place = place(number_);
    sentence_.words.push_back(columns.front());
    sentence_.tags.push_back(columns.back());
  }

  void end_sentence() {
    const auto fault = std::exchange(fault_, std::nullopt);
    auto sentence = std::exchange(sentence_, {});
    const bool good = bad_.guard([&] {
      if (fault)
        throw DataError("data",
                        fmt::format("expected {} columns, a word first and its tag last, got {}",
                                    std::max<size_t>(width_, 2), fault->second),
                        place(fault->first), "or leave the sentence out: --on-bad-sample skip");
    });
    if (good && !sentence.words.empty()) sentences_.push_back(std::move(sentence));
  }

  std::string place(int64_t line) const { return fmt::format("{}:{}", file_.string(), line); }

  fs::path file_;
  BadSamples& bad_;
  std::vector<NamedSentence>& sentences_;
  int64_t number_ = 0;
  size_t width_ = 0;  // columns, of the first line that has any
  NamedSentence sentence_;
  std::optional<std::pair<int64_t, size_t>> fault_;  // line and columns
};

std::string name_of_tag(const Json& tag, const std::string& place) {
  if (tag.is_string()) return tag.get<std::string>();
  if (tag.is_number_integer()) return std::to_string(tag.get<int64_t>());
  throw DataError("data", "expected tags that are words or whole numbers, got " + tag.dump(),
                  place);
}

NamedSentence parse_tagged_row(const std::string& line, const std::string& place) {
  const auto row = parse_row(line, place);
  const Json *words = row ? list_of(*row, kWordFields) : nullptr,
             *tags = row ? list_of(*row, kTagFields) : nullptr;
  if (words == nullptr || tags == nullptr)
    throw DataError("data", R"(expected {"tokens": [..], "ner_tags": [..]}, got another row)",
                    place);
  if (words->size() != tags->size())
    throw DataError(
        "data", fmt::format("expected a tag a word, got {} and {}", tags->size(), words->size()),
        place);
  NamedSentence sentence{.words = {}, .tags = {}, .place = place};
  for (const auto& word : *words) {
    if (!word.is_string()) throw DataError("data", "expected words, got " + word.dump(), place);
    sentence.words.push_back(word.get<std::string>());
  }
  for (const auto& tag : *tags) sentence.tags.push_back(name_of_tag(tag, place));
  return sentence;
}

void read_json_rows(const fs::path& file, BadSamples& bad, std::vector<NamedSentence>& sentences) {
  io::LineReader lines(file);
  for (int64_t number = 1; const auto line = lines.next(); ++number) {
    if (columns_of(*line).empty()) continue;
    bad.guard([&] {
      auto sentence = parse_tagged_row(*line, fmt::format("{}:{}", file.string(), number));
      if (!sentence.words.empty()) sentences.push_back(std::move(sentence));
    });
  }
}

std::vector<NamedSentence> read_files(const std::vector<fs::path>& files, BadSamples& bad) {
  std::vector<NamedSentence> sentences;
  for (const auto& file : files)
    if (has_suffix(file, kColumnSuffixes))
      ColumnReader(file, bad, sentences).read();
    else
      read_json_rows(file, bad, sentences);
  return sentences;
}

std::vector<std::string> order_tags(const std::set<std::string>& names,
                                    const std::vector<std::string>& order) {
  if (order.size() == names.size() && std::set(order.begin(), order.end()) == names) return order;
  std::vector<std::string> tags(names.begin(), names.end());
  std::stable_sort(tags.begin(), tags.end(), [](const std::string& a, const std::string& b) {
    if ((a == "O") != (b == "O")) return a == "O";
    return natural_less(a, b);
  });
  return tags;
}

TaggedTextsPtr number_tags(std::vector<NamedSentence> named, const std::vector<std::string>& tags,
                           BadSamples& bad) {
  std::map<std::string, int64_t> numbers;
  for (size_t i = 0; i < tags.size(); ++i) numbers[tags[i]] = static_cast<int64_t>(i);
  std::vector<TaggedTexts::Sentence> sentences;
  for (auto& sentence : named)
    bad.guard([&] {
      std::vector<int64_t> of_words;
      for (const auto& tag : sentence.tags) {
        const auto it = numbers.find(tag);
        if (it == numbers.end())
          throw DataError("data", "expected the tags of train, got '" + tag + "'", sentence.place,
                          "or leave the sentence out: --on-bad-sample skip");
        of_words.push_back(it->second);
      }
      sentences.push_back(
          {{std::move(sentence.words), std::move(of_words)}, std::move(sentence.place)});
    });
  return std::make_shared<const TaggedTexts>(std::move(sentences), tags);
}

RowFiles find_tagged_files(const fs::path& path) {
  if (io::is_folder(path)) return find_row_files(path, is_tagged_file);
  RowFiles found;
  found.unsplit = true;
  if (is_tagged_file(path)) found.train = {path};
  return found;
}

// A share of the sentences, drawn.
void take_val(std::vector<NamedSentence>& train, std::vector<NamedSentence>& val, double fraction,
              int64_t seed) {
  const std::vector<int64_t> one_class(train.size(), 0);
  const auto [chosen, rest] = split_labels(one_class, 1, fraction, seed);
  const auto take = [&](const std::vector<int64_t>& places) {
    std::vector<NamedSentence> taken;
    for (const int64_t place : places)
      taken.push_back(std::move(train[static_cast<size_t>(place)]));
    return taken;
  };
  val = take(chosen);
  train = take(rest);
}

}  // namespace

TaggedSplits open_tagged_texts(const std::string& spec, const TaggedTextOptions& options) {
  const auto files = find_tagged_files(locate_data(spec));
  BadSamples bad(options.on_bad_sample);
  auto train = read_files(files.train, bad), val = read_files(files.val, bad),
       test = read_files(files.test, bad);
  if (train.empty() && val.empty() && test.empty())
    throw DataError("data", "expected sentences with a tag a word, got none", spec,
                    "a word and its tag a line in .conll files, or JSON rows with tokens and "
                    "ner_tags");
  std::set<std::string> names;
  for (const auto& sentence : train.empty() ? (val.empty() ? test : val) : train)
    names.insert(sentence.tags.begin(), sentence.tags.end());
  // After the tags are known: a rare one may be in what is drawn alone.
  if (val.empty() && options.val_fraction > 0 && train.size() > 1)
    take_val(train, val, options.val_fraction, options.split_seed);
  TaggedSplits splits{.train = nullptr, .val = nullptr, .test = nullptr};
  auto tags = order_tags(names, options.tag_order);
  // Data without train has the checkpoint's tags, all of them.
  if (train.empty() && !options.tag_order.empty()) tags = options.tag_order;
  const auto make = [&](std::vector<NamedSentence>& named) {
    return named.empty() ? nullptr : number_tags(std::move(named), tags, bad);
  };
  splits.train = make(train);
  splits.val = make(val);
  splits.test = make(test);
  splits.unsplit = files.unsplit;
  splits.bad_samples = bad.count();
  splits.bad_sample_messages = bad.messages();
  splits.remarks = files.remarks;
  if (files.left_out.any()) splits.left_out.push_back(files.left_out);
  if (const auto remark = bad.remark("sentence")) splits.remarks.push_back(*remark);
  return splits;
}

bool is_tagged_text(const std::string& spec) { return find_tagged_files(locate_data(spec)).any(); }

}  // namespace braid::data
