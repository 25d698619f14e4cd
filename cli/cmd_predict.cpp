#include "cli/command.h"

namespace braid::cli {

void add_predict(CLI::App&) {}

}  // namespace braid::cli
