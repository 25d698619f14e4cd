#include "cli/command.h"

namespace braid::cli {

void add_train(CLI::App&) {}

}  // namespace braid::cli
