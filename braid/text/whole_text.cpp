#include "braid/text/whole_text.h"

#include <fmt/format.h>

#include "braid/core/error.h"

namespace braid::text {

void expect_whole(int64_t truncated, int64_t max_length, const std::string& where) {
  if (truncated == 0) return;
  throw DataError("texts",
                  fmt::format("expected at most {} tokens, as many as the model reads, got {}",
                              max_length, max_length + truncated),
                  where, "shorten it, or have its beginning read with --truncate");
}

}  // namespace braid::text
