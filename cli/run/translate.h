// braid-run with a translator: lines in, lines out.
#pragma once
#include "cli/run/options.h"

namespace braid::cli {

// Whether the model is a folder, which a translator is.
bool is_translator(const RunOptions& options);
// Translates items and texts, each a text or the name of a file of lines, and prints a line for
// each line. Throws the library's errors.
void translate(const RunOptions& options);

}  // namespace braid::cli
