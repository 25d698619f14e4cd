// The values of a design's TOML file with their lines, for errors that show them.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "braid/core/config.h"
#include "braid/text/design_source.h"

namespace braid::text {

struct DesignFile {
  Json json;
  KeyLines lines;
  DesignSource source;

  size_t line(const std::string& key) const;
  [[noreturn]] void fail(const std::string& key, const std::string& message,
                         const std::string& remedy = "") const;
  // Throws where the file has a key beside these, with near matches.
  void expect_keys(const std::vector<std::string>& known) const;
  // An integer from 1 to `most`.
  int64_t positive(const Json& value, const std::string& key, int64_t most) const;
  std::string text(const Json& value, const std::string& key) const;
  // A number or a word; of lists the numbers with + between them. lists: whether they may be.
  std::string option(const Json& value, const std::string& key, bool lists) const;
};

// The blocks that a design may name, and those of the other kind of designs.
struct BlockVocabulary {
  const std::vector<BlockName>& names;
  const std::vector<BlockName>& others;
  const char* other_kind;  // "images"
  bool lists = false;      // whether options may be lists of numbers
};
// The tables [[stages]].
std::vector<StageDesign> stages_of(const DesignFile& file, const BlockVocabulary& vocabulary);

}  // namespace braid::text
