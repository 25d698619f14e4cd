// What translates without learning to: the bar that a network has to clear.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "braid/core/progress.h"
#include "braid/data/text/parallel_text.h"
#include "braid/evaluate/result.h"

namespace braid::evaluate {

// Each word's most likely translation alone, in the source's order: IBM Model 1 (Brown et al.
// 1993, "The Mathematics of Statistical Machine Translation") by expectation maximization, without
// its empty word. Words are those of BLEU's tokenizer 13a; unknown ones stay as they are.
class WordTranslator {
 public:
  void add(std::string_view source, std::string_view target);
  // One pass of expectation maximization over what was added.
  void learn();
  std::string translate(std::string_view source) const;

 private:
  struct Sentence {
    std::vector<uint32_t> source, target;
  };
  // Of source_ or target_: the word's number.
  static uint32_t number(std::unordered_map<std::string, uint32_t>& words, const std::string& word);

  std::unordered_map<std::string, uint32_t> source_, target_;
  std::vector<std::string> target_words_;
  std::vector<Sentence> sentences_;
  std::unordered_map<uint64_t, double> probability_;  // of source << 32 | target; empty: all alike
  std::vector<std::pair<double, uint32_t>> best_;     // by source word: its translation
};

// BLEU of all pairs of `test`, the best first:
//   copy           the source as it is
//   word_by_word   WordTranslator, of at most 20,000 training pairs
// seconds: about, of its learning.
References measure_translation_references(const data::ParallelText& train,
                                          const data::ParallelText& test, double seconds,
                                          Progress& progress);

}  // namespace braid::evaluate
