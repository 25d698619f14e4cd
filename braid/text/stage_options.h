// A stage's options as numbers and words; errors show where they stand in the design.
#pragma once
#include <string>
#include <vector>

#include "braid/text/design.h"

namespace braid::text {

class StageOptions {
 public:
  StageOptions(const Design& design, const StageDesign& stage) : design_(design), stage_(stage) {}

  // A whole number from 1 to 65536.
  int64_t integer(const char* name, int64_t otherwise) const;
  int64_t odd(const char* name, int64_t otherwise) const;   // the same, not even
  double number(const char* name, double otherwise) const;  // from 0 to 64
  double ratio(const char* name, double otherwise) const;   // from 0.25 to 64
  std::string word(const char* name, const char* otherwise,
                   const std::vector<std::string>& choices) const;
  // Throws where `name`, or the stage when the option is not given, stands.
  [[noreturn]] void fail(const char* name, const std::string& message,
                         const std::string& remedy = "") const;

 private:
  const DesignOption* find(const char* name) const;
  const Design& design_;
  const StageDesign& stage_;
};

}  // namespace braid::text
