// The verbs of `braid data` that know text: tokenize, train-tokenizer.
#pragma once
#include <CLI/CLI.hpp>

namespace braid::cli {

void add_data_text(CLI::App& data);

}  // namespace braid::cli
