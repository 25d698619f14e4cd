// Texts one after the other, as trainers and the program read them.
#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace braid::text {

// Gives the next text; false: there is none.
using TextSource = std::function<bool(std::string& text)>;
// Line by line, of one file after the other, packed (.gz) or not, as io::LineReader reads them; "-"
// is the standard input. Throws IoError, or DataError for UTF-16, a corrupt gzip stream or a line
// of more than a gigabyte.
TextSource lines_of(std::vector<std::filesystem::path> files);

}  // namespace braid::text
