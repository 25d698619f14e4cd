// What a user-described network of texts consists of: the content of a `braidtext:` line or of a
// TOML file with a table [embedding]. Knows no LibTorch, so that its parser can be fuzzed.
//
//   embed=128(pos=sinusoidal)|Z2x128k5|E2x128h4|T2x128h4|head=norm|pool=max
//
// Items are separated by |. The first is the embedding: the channels of a token, and options by
// name. Each further one is a stage, as in a design of images, see design.h. Last, if wanted,
// head=norm (layer norm behind the stages) and pool=mean, pool=max or pool=first (what makes one
// vector of a text).
#pragma once
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "braid/core/config.h"
#include "braid/text/design.h"
#include "braid/text/design_source.h"

namespace braid::text {

struct TextDesign : DesignSource {
  StageDesign embedding;  // its width, options and place
  std::vector<StageDesign> stages;
  bool head_norm = false;     // layer norm behind the stages
  std::string pool = "mean";  // one of text_pools()
};

const std::vector<BlockName>& text_block_names();
const std::vector<std::string>& text_pools();

// line: without the prefix "braidtext:". Throws ConfigError.
TextDesign parse_text_design(const std::string& line);
// The shortest line that parses to the same design.
std::string to_line(const TextDesign& design);

// A TOML file's design, of images or of texts: one with a table [embedding] is of texts. Its keys
// are embedding, head, pool and tables [[stages]] with block, depth, width and options by name.
// Throws IoError or ConfigError.
std::variant<Design, TextDesign> read_any_design(const std::filesystem::path& file);
// The same of the file's content. file: stands in errors. Throws ConfigError.
std::variant<Design, TextDesign> any_design_of(const Json& json, const KeyLines& lines,
                                               const std::string& file);

}  // namespace braid::text
