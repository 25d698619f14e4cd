#include "braid/evaluate/split_name.h"

#include <algorithm>
#include <vector>

#include "braid/core/error.h"
#include "braid/core/near_match.h"

namespace braid::evaluate {

void check_split_name(const std::string& name) {
  const std::vector<std::string> known = {"auto", "test", "val", "train", "all"};
  if (std::find(known.begin(), known.end(), name) == known.end())
    throw UsageError("eval", "unknown split '" + name + "'", "--split", did_you_mean(name, known));
}

}  // namespace braid::evaluate
