#include "braid/text/design_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "braid/core/error.h"

namespace braid::text {
namespace {

constexpr size_t kMaxLine = 4096;  // characters

struct Suffix {
  char letter;
  const char* option;
};
constexpr Suffix kSuffixes[] = {{'h', "num_heads"}, {'w', "window_size"},  {'k', "kernel_size"},
                                {'s', "stride"},    {'e', "expand_ratio"}, {'r', "sr_ratio"},
                                {'p', "patch_size"}};

std::string suffix_list() {
  std::string text;
  for (const auto& s : kSuffixes)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", s.letter, s.option);
  return text;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

}  // namespace

void DesignSource::fail(size_t at, const std::string& message, const std::string& remedy) const {
  if (is_file) throw ConfigError(model, message, fmt::format("{}:{}", source, at), remedy);
  throw ConfigError(model, fmt::format("{}\n  {}\n  {}^", message, source, std::string(at, ' ')),
                    fmt::format("character {}", at + 1), remedy);
}

DesignLine::DesignLine(const char* model, const std::string& line, bool lists)
    : source_{.model = model, .source = line.substr(0, kMaxLine), .is_file = false},
      text_(line),
      lists_(lists) {
  if (line.size() > kMaxLine)
    source_.fail(kMaxLine, fmt::format("expected at most {} characters", kMaxLine));
}

void DesignLine::fail(const std::string& message, const std::string& remedy) const {
  const std::string got = at_end() ? ", got the end" : fmt::format(", got '{}'", text_[at_]);
  source_.fail(at_, message + got, remedy);
}

bool DesignLine::accept(const std::string& word) {
  if (text_.compare(at_, word.size(), word) != 0) return false;
  at_ += word.size();
  return true;
}

int64_t DesignLine::number(const std::string& what, int64_t most) {
  const size_t start = at_;
  int64_t value = 0;
  while (!at_end() && is_digit(text_[at_]) && value <= kMaxNumber)
    value = 10 * value + (text_[at_++] - '0');
  if (at_ == start) fail("expected " + what);
  if (value < 1 || value > most)
    source_.fail(start, fmt::format("expected {} between 1 and {}", what, most));
  return value;
}

std::string DesignLine::decimal() {
  const size_t start = at_;
  while (!at_end() && (is_digit(text_[at_]) || text_[at_] == '.')) ++at_;
  if (at_ == start) fail("expected a number");
  return text_.substr(start, at_ - start);
}

std::string DesignLine::characters(const char* more) {
  const size_t start = at_;
  while (!at_end() && (is_letter(text_[at_]) || is_digit(text_[at_]) ||
                       std::string_view(more).find(text_[at_]) != std::string_view::npos))
    ++at_;
  if (at_ == start) fail("expected a name or a number");
  return text_.substr(start, at_ - start);
}

std::string DesignLine::word() { return characters("_."); }

void DesignLine::options(std::vector<DesignOption>& list) {
  do {
    const size_t at = at_;
    const auto name = word();
    if (!accept("=")) fail("expected '=' after '" + name + "'");
    add(list, {name, characters(lists_ ? "_.+" : "_."), at});
  } while (accept(","));
  if (!accept(")")) fail("expected ',' or ')'");
}

void DesignLine::add(std::vector<DesignOption>& list, const DesignOption& option) const {
  for (const auto& earlier : list)
    if (earlier.name == option.name)
      source_.fail(option.at, "'" + option.name + "' is given twice");
  list.push_back(option);
}

StageDesign DesignLine::stage(const std::vector<BlockName>& names, const char* example) {
  StageDesign stage;
  stage.at = at_;
  while (!at_end() && text_[at_] >= 'A' && text_[at_] <= 'Z') {
    if (std::none_of(names.begin(), names.end(),
                     [&](const BlockName& n) { return n.letter == text_[at_]; })) {
      std::string known;
      for (const auto& n : names)
        known += fmt::format("{}{} {}", known.empty() ? "" : ", ", n.letter, n.name);
      fail("expected a block", known);
    }
    stage.blocks += text_[at_++];
  }
  if (stage.blocks.empty())
    fail("expected a block's letter", fmt::format("for example {}", example));
  stage.depth = number("how many blocks", kMaxDepth);
  if (!accept("x")) fail("expected 'x' and the channels");
  stage.width = number("the channels");
  while (!at_end() && text_[at_] >= 'a' && text_[at_] <= 'z') {
    const auto* suffix = std::find_if(std::begin(kSuffixes), std::end(kSuffixes),
                                      [&](const Suffix& s) { return s.letter == text_[at_]; });
    if (suffix == std::end(kSuffixes)) fail("expected an option's letter", suffix_list());
    const size_t at = at_++;
    add(stage.options, {suffix->option, decimal(), at});
  }
  if (accept("(")) options(stage.options);
  return stage;
}

std::string options_text(const std::vector<DesignOption>& options, bool suffixes) {
  std::string letters, named;
  for (const auto& option : options) {
    const auto* suffix = std::find_if(std::begin(kSuffixes), std::end(kSuffixes),
                                      [&](const Suffix& s) { return option.name == s.option; });
    const bool plain = option.value.find_first_not_of("0123456789.") == std::string::npos;
    if (suffixes && plain && suffix != std::end(kSuffixes) && is_digit(option.value[0]))
      letters += suffix->letter + option.value;
    else
      named += fmt::format("{}{}={}", named.empty() ? "" : ",", option.name, option.value);
  }
  return named.empty() ? letters : letters + "(" + named + ")";
}

std::string stage_text(const StageDesign& stage) {
  return fmt::format("{}{}x{}{}", stage.blocks, stage.depth, stage.width,
                     options_text(stage.options, /*suffixes=*/true));
}

}  // namespace braid::text
