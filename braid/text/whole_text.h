// Texts that are longer than a model reads, where their beginning alone will not do.
#pragma once
#include <cstdint>
#include <string>

namespace braid::text {

// truncated: tokens that were cut from the text to leave max_length; where: its place, may be
// empty. Throws DataError where there are any.
void expect_whole(int64_t truncated, int64_t max_length, const std::string& where = "");

}  // namespace braid::text
