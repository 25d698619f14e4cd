// What the composer's designs, of images and of texts, have in common: stages of blocks, options,
// and errors that show where in the line or the TOML file something stands.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace braid::text {

constexpr int64_t kMaxNumber = 16384;  // of a design: channels, pixels
constexpr int64_t kMaxDepth = 100;     // blocks of a stage

struct DesignOption {
  std::string name;   // the field's parameter name, such as num_heads
  std::string value;  // a number or a word; of texts also numbers with + between them
  size_t at = 0;      // where it stands, see DesignSource::fail
};

struct StageDesign {
  std::string blocks;  // letters of the vocabulary that take turns, such as "C" or "CWG"
  int64_t depth = 1;   // rounds of all letters
  int64_t width = 0;   // channels
  std::vector<DesignOption> options;
  size_t at = 0;
};

struct DesignSource {
  std::string model;   // "braidnet" or "braidtext", stands in errors
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

}  // namespace braid::text
