// What the program's verbs and flags are, as data: written by the program that does the work when
// it is built, read by the one that users start (front/).
#pragma once
#include <CLI/CLI.hpp>

#include "braid/core/json.h"

namespace braid::cli {

// {name, description, help, needs_verb, options: [{names, type, help, required, expected,
// delimiter, checked, flag}], verbs: [...]}; of the program also models (see model_list.h) and
// completion.
Json describe_program(const CLI::App& program);

}  // namespace braid::cli
