// BLEU (Papineni et al. 2002) as sacreBLEU 2.6 computes it. Knows no LibTorch.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "braid/core/config.h"

namespace braid::tasks {

// What the fields mean and may be stands in its visit().
struct BleuOptions {
  std::string tokenize = "13a";
  bool lowercase = false;
  std::string smooth_method = "exp";
  std::optional<double> smooth_value = {};
  int64_t max_ngram_order = 4;
  bool effective_order = false;
  void visit(FieldVisitor& v);
};

struct BleuScore {
  double score = 0;                  // 0 to 100; NaN before the first text
  std::vector<double> precisions;    // percent, of each order
  std::vector<double> matched, all;  // n-grams of each order, as smoothing left them
  double brevity_penalty = 1;
  int64_t length = 0, reference_length = 0;  // words
};
// "60.0/40.0/20.0/10.0 (BP = 1.000 ratio = 1.000 hyp_len = 10 ref_len = 10)"
std::string to_text(const BleuScore& score);

// The text as words with one space between them. tokenizer: 13a, none, char, intl.
std::string tokenize_for_bleu(const std::string& tokenizer, std::string_view text);

// Of a whole corpus: counts are kept, not texts.
class Bleu {
 public:
  // Throws ConfigError for an option that is none.
  explicit Bleu(BleuOptions options = {});
  // A text and at least one reference for it.
  void update(std::string_view text, const std::vector<std::string>& references);
  // Everything that another one of the same options has seen.
  void merge(const Bleu& other);
  BleuScore score() const;
  // "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:braid-0.1.0"
  std::string signature() const;
  int64_t texts() const { return texts_; }

 private:
  std::u32string words_of(std::string_view text) const;

  BleuOptions options_;
  int64_t texts_ = 0, length_ = 0, reference_length_ = 0;
  int64_t fewest_references_ = 0, most_references_ = 0;
  std::vector<int64_t> matched_, all_;
};

// The 95% interval of a corpus' BLEU by resampling its texts 1,000 times (Koehn 2004, "Statistical
// Significance Tests for Machine Translation Evaluation"), its ends as sacreBLEU --confidence
// chooses them; the same for the same texts.
struct BleuInterval {
  double low = 0, high = 0;
};
// of_texts: at least one, each of one text of the corpus, all of the same options.
BleuInterval bleu_interval(const std::vector<Bleu>& of_texts);

}  // namespace braid::tasks
