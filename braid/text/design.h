// What a user-described hybrid of images consists of: the content of a `braidnet:` line or a TOML
// file. Knows no LibTorch, so that its parser can be fuzzed.
//
//   stem=conv3x3s2*2,48|C2x64|C2x96|T4x192h6|T2x256h8
//
// Items are separated by |. The first is the stem: convolutions or one patch embedding. Each
// further one is a stage: a block letter, or several that take turns; the number of rounds; x; the
// output channels; options as a letter with a number (h6) or by name in parentheses
// ((num_heads=6,pos=rotary)). Last, if wanted, head=conv384 (a 1x1 convolution before pooling) or
// head=norm (layer norm before pooling).
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "braid/text/design_source.h"

namespace braid::text {

struct StemConv {
  bool patch = false;   // a patch embedding: stride = kernel
  int64_t kernel = 3;   // pixels
  int64_t stride = 1;   // of the first of them
  int64_t repeats = 1;  // convolutions of this kind
  int64_t width = 0;    // channels
  std::vector<DesignOption> options;
  size_t at = 0;
};

struct Design : DesignSource {
  std::vector<StemConv> stem;
  std::vector<StageDesign> stages;
  int64_t head_conv = 0;   // channels of a 1x1 convolution before pooling, 0: none
  bool head_norm = false;  // layer norm before pooling
};

const std::vector<BlockName>& block_names();

// line: without the prefix "braidnet:". Throws ConfigError.
Design parse_design(const std::string& line);
// The same from TOML: keys stem, head, and tables [[stages]] with block, depth, width and options
// by name. Throws IoError or ConfigError.
Design read_design(const std::filesystem::path& file);
// The shortest line that parses to the same design.
std::string to_line(const Design& design);

}  // namespace braid::text
