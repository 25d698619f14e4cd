// Standard input, output and error that are there.
#pragma once

namespace braid::cli {

// Puts /dev/null in the place of those that the caller closed, so that no file of ours gets their
// numbers and no message lands in it. To be called before anything is opened.
void open_standard_descriptors();

}  // namespace braid::cli
