// What labelled texts hold, in numbers, and what is wrong with them.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "braid/core/config.h"
#include "braid/core/progress.h"
#include "braid/data/check.h"
#include "braid/data/text/text_dataset.h"

namespace braid::data {

Summary summary_of(const TextSplits& splits);
// What a user should know of the data before anything is done with it, a line each. spec: its name.
std::vector<std::string> remarks_on(const TextSplits& splits, const std::string& spec);

struct TextLengths {
  int64_t shortest = 0, median = 0, p95 = 0, longest = 0;
  double mean = 0;
  void visit(FieldVisitor& v);
};
TextLengths lengths_of(std::vector<int64_t> lengths);
// "Words: 1 to 51, median 18, 95% up to 35, mean 18.5" for those of words, and a line end.
std::string lengths_line(const std::string& what, const TextLengths& lengths);
int64_t count_words(std::string_view text);  // what white space separates
struct SmallTextClass {
  std::string name;
  int64_t texts = 0;  // in train
  void visit(FieldVisitor& v);
};

struct TextReport {
  Summary summary;
  int64_t bad_samples = 0;                    // rows and files that cannot be read or have no label
  std::vector<std::string> unreadable;        // the first of their errors
  std::vector<Duplicate> across_splits;       // a text that is in two splits
  std::vector<Duplicate> across_labels;       // within a split, of two classes
  int64_t repeated = 0;                       // further copies within a class and a split
  std::vector<SmallTextClass> small_classes;  // fewer than 5 texts, or a twentieth of the median
  int64_t empty = 0;                          // texts
  TextLengths words, characters;              // of all texts of all splits
  std::vector<std::string> remarks;
  void visit(FieldVisitor& v);
};

// Reads every text once, in `threads` threads. splits: opened with on_bad_sample skip.
TextReport check_texts(const TextSplits& splits, int64_t threads, Progress& progress);

// For people, a paragraph per finding; ends with a line that says whether all is well.
std::string to_text(const TextReport& report);

}  // namespace braid::data
