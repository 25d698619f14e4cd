// report.html: the results of a comparison as one page that a browser opens offline, on a desk or a
// phone.
#pragma once
#include <filesystem>
#include <string>

#include "braid/core/config.h"

namespace braid::evaluate {

// results: an object as docs/results.schema.json describes it; optional sections that are missing
// or null are left out of the page. Foreign text in it (class names, file names) cannot act as
// markup. Throws DataError when `models` is no non-empty array of objects with a `name`.
std::string report_page(const Json& results);

// Writes report_page(results) to `file`, whole or not at all. Throws DataError as report_page,
// IoError when the file cannot be written.
void write_report(const Json& results, const std::filesystem::path& file);

}  // namespace braid::evaluate
