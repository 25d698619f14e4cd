#include "cli/command.h"

namespace braid::cli {

void add_models(CLI::App&) {}

}  // namespace braid::cli
