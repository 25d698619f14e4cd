// Names of a data set's splits, as they are typed.
#pragma once
#include <string>

namespace braid::evaluate {

// Throws UsageError where a split's name is none of auto, test, val, train, all.
void check_split_name(const std::string& name);

}  // namespace braid::evaluate
