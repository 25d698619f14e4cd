// A stage's options as numbers and words; errors show where they stand in the design.
#pragma once
#include <string>
#include <vector>

#include "braid/text/design_source.h"

namespace braid::text {

class StageOptions {
 public:
  StageOptions(const DesignSource& design, const StageDesign& stage)
      : design_(design), stage_(stage) {}

  // Throws for an option that is none of these, with near matches. of: "block C".
  void expect_known(const std::vector<std::string>& known, const std::string& of) const;
  bool has(const char* name) const { return find(name) != nullptr; }
  // A whole number from `least` to `most`.
  int64_t integer(const char* name, int64_t otherwise, int64_t least = 1,
                  int64_t most = 65536) const;
  // Whole numbers from 1 to 65536 with + between them.
  std::vector<int64_t> integers(const char* name, const std::vector<int64_t>& otherwise) const;
  int64_t odd(const char* name, int64_t otherwise) const;   // the same, not even
  double number(const char* name, double otherwise) const;  // from 0 to 64
  double ratio(const char* name, double otherwise) const;   // from 0.25 to 64
  // num_heads, which divide the channels; by default the nearest to one for each 32 of them.
  int64_t heads_of(int64_t channels) const;
  std::string word(const char* name, const char* otherwise,
                   const std::vector<std::string>& choices) const;
  // Throws where `name`, or the stage when the option is not given, stands.
  [[noreturn]] void fail(const char* name, const std::string& message,
                         const std::string& remedy = "") const;

 private:
  const DesignOption* find(const char* name) const;
  const DesignSource& design_;
  const StageDesign& stage_;
};

}  // namespace braid::text
