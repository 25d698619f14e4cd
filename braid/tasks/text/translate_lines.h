// Translates lines as they come.
#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "braid/io/line_file.h"
#include "braid/tasks/text/translator.h"

namespace braid::tasks {

struct TranslatedLine {
  int64_t line = 0;  // from 0, of all files together
  std::string source;
  TranslatedText translation;
};

struct TranslateLinesOptions {
  TranslateOptions translate = {};
  // Lines that are read before they are translated, where they are there: from a terminal or a slow
  // pipe each is answered as it comes.
  int64_t window = 2048;
  int64_t first_line = 0;
};
// To the reader's end; `put` is called once for every line, in their order. Returns how many there
// were.
int64_t translate_lines(const Translator& translator, io::LineReader& reader,
                        const TranslateLinesOptions& options,
                        const std::function<void(const TranslatedLine&)>& put);

}  // namespace braid::tasks
