// The one verb of braid-run.
#pragma once
#include "cli/run/options.h"

namespace braid::cli {

// Throws the library's errors.
void run(const RunOptions& options);

}  // namespace braid::cli
