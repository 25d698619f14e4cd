// chrF and chrF++ (Popovic 2015, 2017) as sacreBLEU 2.6 computes them. Knows no LibTorch.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "braid/core/config.h"

namespace braid::tasks {

// What the fields mean and may be stands in its visit().
struct ChrfOptions {
  int64_t char_order = 6;
  int64_t word_order = 0;
  int64_t beta = 2;
  bool lowercase = false;
  bool whitespace = false;
  bool eps_smoothing = false;
  void visit(FieldVisitor& v);
};

// Of a whole corpus: counts are kept, not texts.
class Chrf {
 public:
  // Throws ConfigError for an option that is none.
  explicit Chrf(ChrfOptions options = {});
  // A text and at least one reference for it, of which the one that it is closest to counts.
  void update(std::string_view text, const std::vector<std::string>& references);
  // Everything that another one of the same options has seen.
  void merge(const Chrf& other);
  double score() const;      // 0 to 100; NaN before the first text
  std::string name() const;  // "chrF2", "chrF2++"
  // "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:braid-0.1.0"
  std::string signature() const;
  int64_t texts() const { return texts_; }

  // N-grams of one order.
  struct Counts {
    int64_t text = 0, reference = 0, matched = 0;
  };

 private:
  double f_score(const std::vector<Counts>& counts) const;  // of all orders

  ChrfOptions options_;
  int64_t texts_ = 0, fewest_references_ = 0, most_references_ = 0;
  std::vector<Counts> counts_;
};

}  // namespace braid::tasks
