// What a user-described hybrid consists of: the content of a `braidnet:` line or a TOML file. Knows
// no LibTorch, so that its parser can be fuzzed.
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

namespace braid::text {

constexpr int64_t kMaxNumber = 16384;  // of a design: channels, pixels
constexpr int64_t kMaxDepth = 100;     // blocks of a stage

struct DesignOption {
  std::string name;   // timm's parameter name, such as num_heads
  std::string value;  // a number or a word
  size_t at = 0;      // where it stands, see Design::fail
};

struct StemConv {
  bool patch = false;   // a patch embedding: stride = kernel
  int64_t kernel = 3;   // pixels
  int64_t stride = 1;   // of the first of them
  int64_t repeats = 1;  // convolutions of this kind
  int64_t width = 0;    // channels
  std::vector<DesignOption> options;
  size_t at = 0;
};

struct StageDesign {
  std::string blocks;  // letters of the vocabulary that take turns, such as "C" or "CWG"
  int64_t depth = 1;   // rounds of all letters
  int64_t width = 0;   // channels
  std::vector<DesignOption> options;
  size_t at = 0;
};

struct Design {
  std::vector<StemConv> stem;
  std::vector<StageDesign> stages;
  int64_t head_conv = 0;   // channels of a 1x1 convolution before pooling, 0: none
  bool head_norm = false;  // layer norm before pooling

  std::string source;  // the line, or the TOML file's name
  bool is_file = false;

  // Throws ConfigError that shows where: the line with a caret under character `at`, or the file
  // with line `at`.
  [[noreturn]] void fail(size_t at, const std::string& message,
                         const std::string& remedy = "") const;
};

// The letter of a block and its name in TOML.
struct BlockName {
  char letter;
  const char* name;
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
