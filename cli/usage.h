// What the program says of a command line that is no use.
#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace braid::cli {

// The verb that the command line has come to: the innermost one that was recognized.
const CLI::App& chosen_verb(const CLI::App& program);

// Parses; a later value of a flag replaces an earlier one. Throws CLI::CallForHelp and
// CLI::CallForVersion where they are asked for and the verbs before them exist, and UsageError with
// near matches for everything that is wrong.
void parse_command_line(CLI::App& program, int argc, const char* const* argv);

// Refuses another value than these, with the nearest of them.
CLI::Option* check_choice(CLI::Option* option, const std::vector<std::string>& choices);

// "braid data info" for a verb within the program.
std::string full_name(const CLI::App& verb);

}  // namespace braid::cli
