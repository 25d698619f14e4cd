#include "braid/text/design.h"

#include <fmt/format.h>

#include "braid/text/design_line.h"

namespace braid::text {
namespace {

class Parser : DesignLine {
 public:
  explicit Parser(const std::string& line) : DesignLine("braidnet", line, /*lists=*/false) {
    static_cast<DesignSource&>(design_) = source_;
  }

  Design parse() {
    if (!accept("stem="))
      fail("expected the stem first",
           "for example stem=conv3x3s2*2,48|C2x64; a design of texts begins with braidtext:embed=");
    stem();
    while (accept("|")) {
      if (design_.head_conv > 0 || design_.head_norm) fail("expected nothing after the head");
      if (accept("head="))
        head();
      else
        design_.stages.push_back(stage(block_names(), "C2x64"));
    }
    if (!at_end()) fail("expected '|' or the end");
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
          source_.fail(second, "expected a square kernel");
        if (conv.kernel % 2 == 0)
          source_.fail(second, "expected an odd kernel",
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

  Design design_;
};

}  // namespace

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
  for (const auto& stage : design.stages) line += "|" + stage_text(stage);
  if (design.head_conv > 0) line += fmt::format("|head=conv{}", design.head_conv);
  if (design.head_norm) line += "|head=norm";
  return line;
}

}  // namespace braid::text
