#include "braid/data/text/plain_text.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <deque>
#include <exception>
#include <thread>

#include "braid/core/error.h"
#include "braid/core/natural_order.h"
#include "braid/core/utf8.h"
#include "braid/data/image/class_folders.h"
#include "braid/data/locate.h"
#include "braid/data/text/text_dataset.h"
#include "braid/io/labelled_row.h"
#include "braid/io/line_file.h"
#include "braid/io/read_stream.h"

namespace braid::data {
namespace {

namespace fs = std::filesystem;

// Suffix in small letters, before .gz.
std::string plain_suffix(const fs::path& file) {
  const auto suffix = to_lower(file.extension().string());
  return suffix == ".gz" ? to_lower(file.stem().extension().string()) : suffix;
}

bool is_json_lines(const fs::path& file) {
  const auto suffix = plain_suffix(file);
  return suffix == ".jsonl" || suffix == ".ndjson";
}

bool is_plain_file(const fs::path& file) {
  const auto suffix = plain_suffix(file);
  return suffix == ".txt" || suffix == ".text" || is_json_lines(file);
}

void list_plain_files(const fs::path& folder, const std::string& split, int depth,
                      PlainTextFiles& found, LeftOut& left_out) {
  constexpr int kDepth = 16;  // links may lead in circles
  auto entries = io::list_folder(folder);
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return natural_less(a.string(), b.string()); });
  for (const auto& path : entries) {
    std::error_code error;
    const auto name = path.filename().string();
    if (name.starts_with('.')) {
      ++left_out.hidden;
      continue;
    }
    const bool is_folder = fs::is_directory(path, error);
    std::string own = split;
    if (own.empty()) own = split_of_name(is_folder ? name : path.stem().stem().string());
    if (is_folder && own == "test") {
      left_out.folders.push_back(name);
    } else if (is_folder && depth < kDepth) {
      list_plain_files(path, own, depth + 1, found, left_out);
    } else if (!fs::exists(path, error)) {
      ++left_out.links;
    } else if (!is_folder && fs::is_regular_file(path, error) && is_plain_file(path) &&
               own != "test") {
      (own == "val" ? found.val : found.train).push_back(path);
    } else {
      ++left_out.other_files;
    }
  }
}

bool is_blank_line(std::string_view line) {
  return line.find_first_not_of(" \t\r\f\v") == std::string_view::npos;
}

constexpr uint32_t kBeginsWord = uint32_t{1} << 31;

// The numbers of a document's tokens, the highest bit telling those that begin a word.
std::vector<uint32_t> tokens_of(const std::string& document, const text::Tokenizer& tokenizer) {
  const auto encoding = tokenizer.encode(document, {.add_special_tokens = false});
  std::vector<uint32_t> tokens(encoding.ids.size());
  for (size_t i = 0; i < tokens.size(); ++i) {
    const bool goes_on = i > 0 && i < encoding.words.size() && encoding.words[i] >= 0 &&
                         encoding.words[i] == encoding.words[i - 1];
    tokens[i] = static_cast<uint32_t>(encoding.ids[i]) | (goes_on ? 0 : kBeginsWord);
  }
  return tokens;
}

// Documents that are tokenized together by the threads.
struct Portion {
  std::vector<std::string> texts;
  size_t bytes = 0;
};

std::vector<std::vector<uint32_t>> tokenize_portion(const Portion& portion,
                                                    const text::Tokenizer& tokenizer,
                                                    int64_t threads) {
  const size_t count = portion.texts.size();
  std::vector<std::vector<uint32_t>> tokens(count);
  const auto parts = static_cast<size_t>(std::clamp<int64_t>(threads, 1, 256));
  std::vector<std::exception_ptr> failures(parts);
  const auto work = [&](size_t part) {
    try {
      for (size_t i = part; i < count; i += parts)
        tokens[i] = tokens_of(portion.texts[i], tokenizer);
    } catch (...) {
      failures[part] = std::current_exception();
    }
  };
  std::vector<std::thread> workers;
  for (size_t part = 1; part < parts; ++part) workers.emplace_back(work, part);
  work(0);
  for (auto& worker : workers) worker.join();
  for (const auto& failure : failures)
    if (failure) std::rethrow_exception(failure);
  return tokens;
}

// A file without a name once it is open.
fs::path make_cache_path(const fs::path& folder) {
  std::string name = (folder / "braid-tokens-XXXXXX").string();
  const int fd = ::mkstemp(name.data());
  if (fd < 0) io::fail_io("create", folder / "braid-tokens-XXXXXX", errno);
  ::close(fd);
  return name;
}

}  // namespace

PlainTextFiles find_plain_text(const std::string& spec) {
  const fs::path path = locate_data(spec);
  PlainTextFiles found;
  if (!io::is_folder(path)) {
    found.train = {path};
    return found;
  }
  LeftOut left_out;
  left_out.split = "all";
  list_plain_files(path, "", 0, found, left_out);
  if (found.train.empty())
    throw DataError("data", "expected files of plain text to train on, got none", spec,
                    "put .txt files there, or .jsonl with {\"text\": ..}");
  if (left_out.any()) found.left_out.push_back(std::move(left_out));
  return found;
}

bool is_plain_text(const std::string& spec) {
  if (is_labelled_text(spec)) return false;
  const fs::path path = locate_data(spec);
  if (!io::is_folder(path)) return is_plain_file(path);
  if (holds_images(path)) return false;
  PlainTextFiles found;
  LeftOut left_out;
  list_plain_files(path, "", 0, found, left_out);
  return !found.train.empty();
}

struct DocumentReader::OpenFile {
  OpenFile(const fs::path& file, Documents documents)
      : path(file), reader(file), json(is_json_lines(file)) {
    by_blank_lines = documents == Documents::kBlankLines ||
                     (documents == Documents::kAuto && !json && has_blank_lines());
  }

  // Whether blank lines stand between others.
  bool has_blank_lines() {
    constexpr int64_t kLooks = 100'000;
    constexpr size_t kLongest = 64;  // bytes of a blank line
    const bool comes_once = io::is_stream(path);
    std::optional<io::LineReader> again;
    if (!comes_once) again.emplace(path);
    bool text = false, blank = false;
    for (int64_t look = 0; look < kLooks; ++look) {
      const auto next = comes_once ? reader.next() : again->next();
      if (!next) break;
      if (comes_once) looked_at.push_back(*next);
      const bool is_blank = next->size() < kLongest && is_blank_line(*next);
      if (!is_blank && text && blank) return true;
      blank = is_blank && text;
      text = text || !is_blank;
    }
    return false;
  }

  fs::path path;
  io::LineReader reader;
  bool json;
  bool by_blank_lines = false;
  std::deque<std::string> looked_at;  // and not given yet
  int64_t line = 0;                   // the last one that was given, from 1
};

DocumentReader::DocumentReader(std::vector<fs::path> files, Documents documents, BadSamples& bad)
    : files_(std::move(files)), documents_(documents), bad_(bad) {}

DocumentReader::~DocumentReader() = default;

std::optional<std::string> DocumentReader::next() {
  while (true) {
    replaced_ = false;
    if (!file_) {
      if (next_file_ == files_.size()) return std::nullopt;
      file_ = std::make_unique<OpenFile>(files_[next_file_++], documents_);
    }
    if (auto document = file_->json ? next_row() : next_text()) return document;
    file_.reset();
  }
}

std::string DocumentReader::place() const {
  return file_ ? fmt::format("{}:{}", file_->path.string(), begin_) : "";
}

std::optional<std::string> DocumentReader::next_line() {
  std::optional<std::string> line;
  if (file_->looked_at.empty()) {
    line = file_->reader.next();
  } else {
    line = std::move(file_->looked_at.front());
    file_->looked_at.pop_front();
  }
  if (!line) return line;
  ++file_->line;
  if (valid_utf8_prefix(*line) < line->size()) {
    line = replace_invalid_utf8(*line);
    replaced_ = true;
  }
  return line;
}

std::optional<std::string> DocumentReader::next_row() {
  while (const auto row = next_line()) {
    begin_ = file_->line;
    std::string text;
    if (!is_blank_line(*row) && bad_.guard([&] { text = io::parse_json_row(*row, place()).text; }))
      return text;
    replaced_ = false;
  }
  return std::nullopt;
}

std::optional<std::string> DocumentReader::next_text() {
  std::string text;
  while (const auto line = next_line()) {
    const bool blank = is_blank_line(*line);
    if (!blank && text.empty()) begin_ = file_->line;
    if (!blank) text += text.empty() ? *line : "\n" + *line;
    if ((blank || !file_->by_blank_lines) && !text.empty()) return text;
  }
  if (text.empty()) return std::nullopt;
  return text;
}

TokenBlocks::TokenBlocks(const std::vector<fs::path>& files, const text::Tokenizer& tokenizer,
                         const TokenBlockOptions& options, Progress& progress)
    : options_(options),
      name_(files.empty() ? "" : files[0].string()),
      path_(make_cache_path(options.cache_folder.empty() ? fs::temp_directory_path()
                                                         : options.cache_folder)),
      file_(path_, O_RDWR) {
  constexpr size_t kPortionBytes = 8 << 20;
  ::unlink(path_.c_str());
  if (!file_.ok()) io::fail_io("open", path_, errno);
  const auto& special = tokenizer.special();
  const auto separator = special.sep ? special.sep : special.eos;
  has_separator_ = separator.has_value();
  separator_ = static_cast<uint32_t>(separator.value_or(0)) | kBeginsWord;
  const int64_t around = (special.cls || special.bos ? 1 : 0) + (has_separator_ ? 1 : 0);
  // Two texts have a separator more.
  room_ = options.block_length - around - (options.whole_documents && has_separator_ ? 1 : 0);
  if (room_ < 2)
    throw ConfigError("data",
                      fmt::format("expected blocks of at least {} tokens, got {}",
                                  options.block_length - room_ + 2, options.block_length),
                      "--max-length");
  Portion portion;
  const auto flush = [&] {
    write(tokenize_portion(portion, tokenizer, options.threads));
    portion = {};
    progress.update(documents_, fmt::format("{} tokens", tokens_));
  };
  progress.begin("tokenize", 0);
  if (options.whole_documents) begins_ = {0};
  BadSamples bad(options.on_bad_sample);
  DocumentReader reader(files, options.documents, bad);
  while (auto document = reader.next()) {
    portion.bytes += document->size();
    portion.texts.push_back(std::move(*document));
    if (portion.bytes >= kPortionBytes) flush();
  }
  flush();
  progress.end();
  if (const auto remark = bad.remark("row")) progress.line(*remark);
  if (tokens_ == 0)
    throw DataError("data", "expected a text to train on, got none", name_,
                    "the files are empty, or the tokenizer leaves nothing of them");
}

void TokenBlocks::write(const std::vector<std::vector<uint32_t>>& documents) {
  std::vector<uint32_t> stream;
  for (const auto& tokens : documents) {
    if (tokens.empty()) continue;
    if (!options_.whole_documents && has_separator_ && documents_ > 0) stream.push_back(separator_);
    stream.insert(stream.end(), tokens.begin(), tokens.end());
    for (size_t at = 0; options_.whole_documents && at < tokens.size();) {
      const size_t length = std::min(tokens.size() - at, static_cast<size_t>(room_));
      begins_.push_back(begins_.back() + static_cast<int64_t>(length));
      block_documents_.push_back(documents_);
      at += length;
    }
    ++documents_;
  }
  io::write_bytes(file_, std::as_bytes(std::span(stream)), path_);
  tokens_ += static_cast<int64_t>(stream.size());
}

int64_t TokenBlocks::size() const {
  if (options_.whole_documents) return static_cast<int64_t>(block_documents_.size());
  return (tokens_ + room_ - 1) / room_;
}

TokenBlocks::Block TokenBlocks::get(int64_t block) const {
  if (block < 0 || block >= size())
    throw InternalError("data", fmt::format("expected a block below {}, got {}", size(), block));
  const auto i = static_cast<size_t>(block);
  const int64_t begin = options_.whole_documents ? begins_[i] : block * room_;
  const int64_t end = options_.whole_documents ? begins_[i + 1] : std::min(begin + room_, tokens_);
  std::vector<uint32_t> tokens(static_cast<size_t>(end - begin));
  io::read_bytes_at(file_, static_cast<uint64_t>(begin) * sizeof(uint32_t),
                    std::as_writable_bytes(std::span(tokens)), path_);
  Block out;
  for (const uint32_t token : tokens) {
    out.ids.push_back(static_cast<int32_t>(token & ~kBeginsWord));
    out.begins_word.push_back((token & kBeginsWord) != 0 ? 1 : 0);
  }
  return out;
}

int64_t TokenBlocks::document_of(int64_t block) const {
  return options_.whole_documents ? block_documents_.at(static_cast<size_t>(block)) : 0;
}

}  // namespace braid::data
