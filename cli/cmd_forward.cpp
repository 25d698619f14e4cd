#include "cli/command.h"

namespace braid::cli {

void add_forward(CLI::App&) {}

}  // namespace braid::cli
