// What a data set's folders hold that does not become part of it.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "braid/core/config.h"

namespace braid::data {

struct LeftOut {
  std::string split;                       // train, val, test; all: the folder that holds them
  int64_t other_files = 0;                 // of kinds that are not read
  std::vector<std::string> kinds;          // the first of their suffixes
  int64_t hidden = 0;                      // files and folders whose names begin with a dot
  int64_t links = 0;                       // that lead nowhere, or to what is listed already
  int64_t outside = 0;                     // images that lie in no class folder
  std::vector<std::string> empty_classes;  // class folders without an image
  std::vector<std::string> folders;        // that are no split, beside those that are
  void visit(FieldVisitor& v);
  bool any() const;
};

// "2 hidden, 3 files of other kinds (.heic, .txt)"; empty: nothing.
std::string to_text(const LeftOut& left_out);

}  // namespace braid::data
