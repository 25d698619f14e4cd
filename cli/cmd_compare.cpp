#include "cli/command.h"

namespace braid::cli {

void add_compare(CLI::App&) {}

}  // namespace braid::cli
