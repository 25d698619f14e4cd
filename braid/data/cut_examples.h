// Examples that are longer than what a model reads, and what is said of them.
#pragma once
#include <cstdint>
#include <string>

namespace braid::data {

struct CutExamples {
  int64_t count = 0;            // whose ends are left out
  int64_t of = 0;               // examples that were looked at
  int64_t max_length = 0;       // tokens that an example keeps
  std::string items = "texts";  // what they are

  CutExamples& operator+=(const CutExamples& more);
};
// "12 of 872 texts are cut to 128 tokens".
std::string to_text(const CutExamples& cut);

}  // namespace braid::data
