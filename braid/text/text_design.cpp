#include "braid/text/text_design.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "braid/core/near_match.h"
#include "braid/text/design_line.h"

namespace braid::text {
namespace {

constexpr const char* kExample = "T2x128h4";

class TextParser : DesignLine {
 public:
  explicit TextParser(const std::string& line) : DesignLine("braidtext", line, /*lists=*/true) {
    static_cast<DesignSource&>(design_) = source_;
  }

  TextDesign parse() {
    if (!accept("embed="))
      fail("expected the embedding first",
           fmt::format("for example embed=128|{}; a design of images begins with braidnet:stem=",
                       kExample));
    embedding();
    bool pooled = false;
    while (accept("|")) {
      if (pooled) fail("expected nothing after the pooling");
      if (accept("pool=")) {
        pool();
        pooled = true;
      } else if (design_.head_norm) {
        fail("expected pool= or nothing after the head");
      } else if (accept("head=")) {
        if (!accept("norm")) fail("expected head=norm");
        design_.head_norm = true;
      } else {
        design_.stages.push_back(stage(text_block_names(), kExample));
      }
    }
    if (!at_end()) fail("expected '|' or the end");
    if (design_.stages.empty())
      fail("expected at least one stage", fmt::format("for example ...|{}", kExample));
    return design_;
  }

 private:
  void embedding() {
    design_.embedding.at = at_;
    design_.embedding.width = number("the channels");
    if (accept("(")) options(design_.embedding.options);
  }

  void pool() {
    const size_t at = at_;
    const auto name = word();
    const auto& known = text_pools();
    if (std::find(known.begin(), known.end(), name) == known.end())
      source_.fail(
          at, fmt::format("expected pool to be one of {}, got '{}'", fmt::join(known, ", "), name),
          did_you_mean(name, known));
    design_.pool = name;
  }

  TextDesign design_;
};

}  // namespace

const std::vector<BlockName>& text_block_names() {
  static const std::vector<BlockName> kNames = {
      {'T', "transformer"}, {'E', "convbert"}, {'S', "conformer"}, {'H', "long_short"},
      {'K', "lightconv"},   {'V', "textcnn"},  {'Z', "separable"}};
  return kNames;
}

const std::vector<std::string>& text_pools() {
  static const std::vector<std::string> kNames = {"mean", "max", "first"};
  return kNames;
}

TextDesign parse_text_design(const std::string& line) { return TextParser(line).parse(); }

std::string to_line(const TextDesign& design) {
  std::string line = fmt::format("embed={}{}", design.embedding.width,
                                 options_text(design.embedding.options, /*suffixes=*/false));
  for (const auto& stage : design.stages) line += "|" + stage_text(stage);
  if (design.head_norm) line += "|head=norm";
  if (design.pool != text_pools()[0]) line += "|pool=" + design.pool;
  return line;
}

}  // namespace braid::text
