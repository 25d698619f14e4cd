// Reads a design's line from left to right: the words that designs of images and of texts share.
#pragma once
#include <string>
#include <vector>

#include "braid/text/design_source.h"

namespace braid::text {

class DesignLine {
 protected:
  // lists: options may be numbers with + between them. Throws ConfigError for a line that is too
  // long.
  DesignLine(const char* model, const std::string& line, bool lists);

  bool at_end() const { return at_ >= text_.size(); }
  // Takes the word, if the rest of the line begins with it.
  bool accept(const std::string& word);
  // Where the reader stands; the message gets ", got ..." of what stands there.
  [[noreturn]] void fail(const std::string& message, const std::string& remedy = "") const;
  // From 1 to `most`.
  int64_t number(const std::string& what, int64_t most = kMaxNumber);
  // Letters, digits, '_' and '.'.
  std::string word();
  // NAME=VALUE,...) behind the parenthesis.
  void options(std::vector<DesignOption>& list);
  // Letters of these blocks, rounds, x, channels, options. example: of a stage.
  StageDesign stage(const std::vector<BlockName>& names, const char* example);

  size_t at_ = 0;
  DesignSource source_;

 private:
  std::string characters(const char* more);
  std::string decimal();
  void add(std::vector<DesignOption>& list, const DesignOption& option) const;

  std::string text_;
  bool lists_;
};

// As a line has them. suffixes: those with a letter of their own are written by it.
std::string options_text(const std::vector<DesignOption>& options, bool suffixes);
std::string stage_text(const StageDesign& stage);

}  // namespace braid::text
