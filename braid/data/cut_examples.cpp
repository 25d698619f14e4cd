#include "braid/data/cut_examples.h"

#include <fmt/format.h>

#include <algorithm>

namespace braid::data {

CutExamples& CutExamples::operator+=(const CutExamples& more) {
  count += more.count;
  of += more.of;
  max_length = std::max(max_length, more.max_length);
  items = more.items;
  return *this;
}

std::string to_text(const CutExamples& cut) {
  return fmt::format("{} of {} {} {} cut to {} tokens", cut.count, cut.of, cut.items,
                     cut.count == 1 ? "is" : "are", cut.max_length);
}

}  // namespace braid::data
