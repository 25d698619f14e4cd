// The table of `braid models`.
#pragma once
#include <string>
#include <vector>

#include "braid/core/json.h"

namespace braid::cli {

// rows: a list of {name, family, fusion, params, macs, input_size}. pattern: a part of the name, or
// a glob such as "resnet*"; empty: all. format: text, json. Throws UsageError with near matches
// where no name fits.
std::string model_list(const Json& rows, const std::string& pattern, const std::string& format);

// "1.23 M", "4.56 G".
std::string scaled(double value);

}  // namespace braid::cli
