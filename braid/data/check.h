// Goes through a data set once and says what is wrong with it.
#pragma once
#include <string>
#include <vector>

#include "braid/core/config.h"
#include "braid/core/progress.h"
#include "braid/data/summary.h"

namespace braid::data {

struct Unreadable {
  std::string file, error;
  void visit(FieldVisitor& v);
};
// The same pixels more than once.
struct Duplicate {
  std::vector<std::string> files;
  std::vector<std::string> splits, labels;  // of each file
  void visit(FieldVisitor& v);
};
struct SmallClass {
  std::string name;
  int64_t images = 0;  // in train
  void visit(FieldVisitor& v);
};
struct OddSize {
  std::string file;
  int64_t width = 0, height = 0;  // pixels
  void visit(FieldVisitor& v);
};

struct DataReport {
  Summary summary;
  std::vector<Unreadable> unreadable;
  std::vector<Duplicate> across_splits;   // an image that is in two splits
  std::vector<Duplicate> across_labels;   // within a split, of two classes
  int64_t repeated = 0;                   // further copies within a class and a split
  std::vector<SmallClass> small_classes;  // fewer than 5 images, or a twentieth of the median
  int64_t gray = 0, colour = 0;           // images
  std::vector<OddSize> odd_sizes;         // 8 times as long as wide, 64 times the median area, ...
  std::vector<std::string> split_labels;  // classes whose names are those of splits
  std::vector<std::string> odd_labels;    // that are no UTF-8, which training refuses
  void visit(FieldVisitor& v);
};

// Decodes every image once, in `threads` threads.
DataReport check_data(const Splits& splits, int64_t threads, Progress& progress);

// For people, a paragraph per finding; ends with a line that says whether all is well.
std::string to_text(const DataReport& report);

}  // namespace braid::data
