#include "cli/run/translate.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "braid/core/error.h"
#include "braid/core/json.h"
#include "braid/io/line_file.h"
#include "braid/io/posix_file.h"
#include "braid/runner/translator.h"
#include "braid/text/line.h"
#include "cli/run/json_list.h"

namespace braid::cli {
namespace {

namespace fs = std::filesystem;

// At once: whoever pipes lines in one after the other waits for each.
void print_line(const std::string& line) {
  if (std::fwrite(line.data(), 1, line.size(), stdout) != line.size() || std::fflush(stdout) != 0)
    io::fail_io("write", "standard output", errno);
}

class LinePrinter {
 public:
  explicit LinePrinter(bool json) {
    if (json) list_.emplace();
  }

  void print(const std::string& source, const runner::TranslatedText& translated) {
    if (!list_) return print_line(text::on_one_line(translated.text) + "\n");
    Json item = {{"text", source}, {"translation", translated.text}, {"score", translated.score}};
    if (translated.cut) item["cut"] = true;
    list_->print(item);
  }

 private:
  std::optional<JsonList> list_;  // of JSON
};

class LineTranslator {
 public:
  explicit LineTranslator(const RunOptions& options)
      : translator_(runner::Translator::open(options.model, {.session = session_options(options),
                                                             .num_beams = options.num_beams,
                                                             .max_length = options.max_length})),
        printer_(options.format == "json"),
        truncate_(options.truncate) {}

  // A text, the name of a file of lines, or -.
  void take(const std::string& argument, size_t number) {
    std::error_code none;
    if (argument == "-")
      take_lines("-", "standard input");
    else if (fs::exists(argument, none) && !fs::is_directory(argument, none))
      take_lines(argument, argument);
    else
      take_text(argument, fmt::format("argument {}", number));
  }

 private:
  void take_lines(const std::string& file, const std::string& name) {
    io::LineReader lines(file);
    for (int64_t line = 1;; ++line) {
      const auto text = lines.next();
      if (!text) return;
      take_text(*text, fmt::format("{}:{}", name, line));
    }
  }

  // What the model cannot read says where that is.
  void take_text(const std::string& text, const std::string& place) {
    runner::TranslatedText translated;
    try {
      translated = translator_.translate(text);
    } catch (const DataError& e) {
      const std::string reason = e.what();
      throw DataError("runner", reason.substr(reason.find(' ') + 1), place);
    }
    if (translated.cut && !truncate_)
      throw DataError("runner",
                      fmt::format("expected at most {} tokens, got more", translator_.max_length()),
                      place, "shorten it, or have its beginning translated with --truncate");
    if (translated.cut)
      fmt::print(stderr, "braid-run: {}: longer than {} tokens, its end is not translated\n", place,
                 translator_.max_length());
    printer_.print(text, translated);
  }

  runner::Translator translator_;
  LinePrinter printer_;
  bool truncate_;  // a text that is longer than the model reads; else it is refused
};

}  // namespace

bool is_translator(const RunOptions& options) {
  std::error_code none;
  return fs::is_directory(options.model, none);
}

void translate(const RunOptions& options) {
  LineTranslator translator(options);
  size_t number = 0;
  for (const auto* arguments : {&options.items, &options.texts})
    for (const auto& argument : *arguments) translator.take(argument, ++number);
}

}  // namespace braid::cli
