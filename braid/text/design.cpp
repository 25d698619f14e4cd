#include "braid/text/design.h"

#include <fmt/format.h>

#include <algorithm>

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

// Reads the line from left to right.
class Parser {
 public:
  explicit Parser(const std::string& line) : text_(line) {
    design_.source = line.substr(0, kMaxLine);
    if (line.size() > kMaxLine)
      design_.fail(kMaxLine, fmt::format("expected at most {} characters", kMaxLine));
  }

  Design parse() {
    if (!accept("stem=")) fail("expected the stem first", "for example stem=conv3x3s2*2,48|C2x64");
    stem();
    while (accept("|")) {
      if (design_.head_conv > 0 || design_.head_norm) fail("expected nothing after the head");
      if (accept("head="))
        head();
      else
        stage();
    }
    if (at_ < text_.size()) fail("expected '|' or the end");
    if (design_.stages.empty())
      fail("expected at least one stage", "for example ...|C2x64|T4x192h6");
    return design_;
  }

 private:
  void stem() {
    do {
      StemConv conv;
      conv.at = at_;
      if (accept("patch")) {
        conv.patch = true;
        conv.kernel = conv.stride = number("the patch's pixels");
      } else if (accept("conv")) {
        conv.kernel = number("the kernel's pixels");
        const size_t second = at_ + 1;
        if (!accept("x")) fail("expected 'x' between the kernel's sides");
        if (number("the kernel's pixels") != conv.kernel)
          design_.fail(second, "expected a square kernel");
        if (conv.kernel % 2 == 0)
          design_.fail(second, "expected an odd kernel",
                       "patchN,CHANNELS makes patches of N pixels");
        if (accept("s")) conv.stride = number("the stride");
        if (accept("*")) conv.repeats = number("how many convolutions");
      } else {
        fail("expected conv or patch", "for example conv3x3s2,32 or patch4,96");
      }
      if (!accept(",")) fail("expected ',' and the channels");
      conv.width = number("the channels");
      if (accept("(")) options(conv.options);
      design_.stem.push_back(conv);
    } while (accept("+"));
  }

  void head() {
    if (accept("norm"))
      design_.head_norm = true;
    else if (accept("conv"))
      design_.head_conv = number("the channels");
    else
      fail("expected head=norm or head=convN");
  }

  [[noreturn]] void fail(const std::string& message, const std::string& remedy = "") const {
    const std::string got =
        at_ < text_.size() ? fmt::format(", got '{}'", text_[at_]) : ", got the end";
    design_.fail(at_, message + got, remedy);
  }

  bool accept(const std::string& word) {
    if (text_.compare(at_, word.size(), word) != 0) return false;
    at_ += word.size();
    return true;
  }

  int64_t number(const std::string& what, int64_t most = kMaxNumber) {
    const size_t start = at_;
    int64_t value = 0;
    while (at_ < text_.size() && is_digit(text_[at_]) && value <= kMaxNumber)
      value = 10 * value + (text_[at_++] - '0');
    if (at_ == start) fail("expected " + what);
    if (value < 1 || value > most)
      design_.fail(start, fmt::format("expected {} between 1 and {}", what, most));
    return value;
  }

  std::string decimal() {
    const size_t start = at_;
    while (at_ < text_.size() && (is_digit(text_[at_]) || text_[at_] == '.')) ++at_;
    if (at_ == start) fail("expected a number");
    return text_.substr(start, at_ - start);
  }

  std::string word() {
    const size_t start = at_;
    while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]) ||
                                  text_[at_] == '_' || text_[at_] == '.'))
      ++at_;
    if (at_ == start) fail("expected a name or a number");
    return text_.substr(start, at_ - start);
  }

  void options(std::vector<DesignOption>& list) {
    do {
      const size_t at = at_;
      const auto name = word();
      if (!accept("=")) fail("expected '=' after '" + name + "'");
      add(list, {name, word(), at});
    } while (accept(","));
    if (!accept(")")) fail("expected ',' or ')'");
  }

  void add(std::vector<DesignOption>& list, const DesignOption& option) {
    for (const auto& earlier : list)
      if (earlier.name == option.name)
        design_.fail(option.at, "'" + option.name + "' is given twice");
    list.push_back(option);
  }

  void stage() {
    StageDesign stage;
    stage.at = at_;
    while (at_ < text_.size() && text_[at_] >= 'A' && text_[at_] <= 'Z') {
      const auto& names = block_names();
      if (std::none_of(names.begin(), names.end(),
                       [&](const BlockName& n) { return n.letter == text_[at_]; })) {
        std::string known;
        for (const auto& n : names)
          known += fmt::format("{}{} {}", known.empty() ? "" : ", ", n.letter, n.name);
        fail("expected a block", known);
      }
      stage.blocks += text_[at_++];
    }
    if (stage.blocks.empty()) fail("expected a block's letter", "for example C2x64");
    stage.depth = number("how many blocks", kMaxDepth);
    if (!accept("x")) fail("expected 'x' and the channels");
    stage.width = number("the channels");
    while (at_ < text_.size() && text_[at_] >= 'a' && text_[at_] <= 'z') {
      const auto* suffix = std::find_if(std::begin(kSuffixes), std::end(kSuffixes),
                                        [&](const Suffix& s) { return s.letter == text_[at_]; });
      if (suffix == std::end(kSuffixes)) fail("expected an option's letter", suffix_list());
      const size_t at = at_++;
      add(stage.options, {suffix->option, decimal(), at});
    }
    if (accept("(")) options(stage.options);
    design_.stages.push_back(stage);
  }

  std::string text_;
  size_t at_ = 0;
  Design design_;
};

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

}  // namespace

void Design::fail(size_t at, const std::string& message, const std::string& remedy) const {
  if (is_file) throw ConfigError("braidnet", message, fmt::format("{}:{}", source, at), remedy);
  throw ConfigError("braidnet",
                    fmt::format("{}\n  {}\n  {}^", message, source, std::string(at, ' ')),
                    fmt::format("character {}", at + 1), remedy);
}

const std::vector<BlockName>& block_names() {
  static const std::vector<BlockName> kNames = {
      {'B', "basic"},        {'N', "bottleneck"}, {'C', "mbconv"},      {'I', "inverted_residual"},
      {'F', "fused_mbconv"}, {'X', "convnext"},   {'T', "transformer"}, {'W', "window"},
      {'G', "grid"},         {'L', "linear"},     {'P', "pooled_key"},  {'M', "mobilevit"},
      {'D', "parallel"}};
  return kNames;
}

Design parse_design(const std::string& line) { return Parser(line).parse(); }

std::string to_line(const Design& design) {
  std::string line = "stem=";
  for (const auto& conv : design.stem) {
    if (line.back() != '=') line += '+';
    if (conv.patch)
      line += fmt::format("patch{}", conv.kernel);
    else
      line += fmt::format("conv{0}x{0}", conv.kernel);
    if (!conv.patch && conv.stride != 1) line += fmt::format("s{}", conv.stride);
    if (conv.repeats != 1) line += fmt::format("*{}", conv.repeats);
    line += fmt::format(",{}{}", conv.width, options_text(conv.options, /*suffixes=*/false));
  }
  for (const auto& stage : design.stages)
    line += fmt::format("|{}{}x{}{}", stage.blocks, stage.depth, stage.width,
                        options_text(stage.options, /*suffixes=*/true));
  if (design.head_conv > 0) line += fmt::format("|head=conv{}", design.head_conv);
  if (design.head_norm) line += "|head=norm";
  return line;
}

}  // namespace braid::text
