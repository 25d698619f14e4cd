// Training images of which nothing can be learned.
#pragma once
#include <optional>
#include <string>

#include "braid/data/dataset.h"

namespace braid::data {

// Where all images of a small sample, spread over the dataset, have the same pixels: a line that
// says so. Those that cannot be read are left out; where images differ, two are decoded.
std::optional<std::string> sameness_text(const Dataset& dataset);

}  // namespace braid::data
