// Tokenized texts as the batches that quantization needs.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "braid/data/batch.h"
#include "braid/data/collate.h"
#include "braid/text/tokenizer.h"

namespace braid::onnx {

struct TokenCount {
  int64_t words = 0, unknown = 0;  // tokens that are not special; of those, unknown ones
  int64_t full = 0;                // texts that have all the tokens that they may have
};

class TextBatches {
 public:
  TextBatches(const text::Tokenizer& tokenizer, int64_t max_length)
      : tokenizer_(tokenizer), max_length_(max_length) {}

  // A batch of one text each, without padding. What cannot be read is left out, or a DataError.
  std::vector<data::Batch> rows(const data::Collate& collate, const std::vector<int64_t>& positions,
                                const std::string& on_bad_sample) const;
  TokenCount count(const std::vector<data::Batch>& rows) const;
  // Batches of texts that are as long as each other, in an order that mixes lengths.
  std::vector<data::Batch> of_one_length(const std::vector<data::Batch>& rows, int64_t seed) const;
  // Larger ones, padded as in evaluation, of short and long texts: the first one alone decides what
  // suffers most.
  std::vector<data::Batch> padded(std::vector<data::Batch> rows, int64_t seed) const;

 private:
  data::Batch join(const std::vector<data::Batch>& rows, size_t begin, size_t end) const;

  const text::Tokenizer& tokenizer_;
  int64_t max_length_;
};

}  // namespace braid::onnx
