// Batches of texts and their translations: tokenized, cut, padded.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "braid/data/collate.h"
#include "braid/data/text/parallel_text.h"
#include "braid/text/sequence.h"
#include "braid/text/tokenizer.h"

namespace braid::data {

using text::make_sequence;
using text::make_target_sequence;
using text::Sequence;
using text::SequenceFormat;

// pad: the tokenizer's own; eos: that, else its sep; decoder_start: pad, as Marian. Throws
// ConfigError for a tokenizer that lacks one.
SequenceFormat sequence_format(const text::Tokenizer& tokenizer, int64_t max_length);

// input_ids, attention_mask [B,N] int64; indices 0, 1, ...
Batch make_source_batch(const std::vector<const Sequence*>& rows, const SequenceFormat& format);

class ParallelCollate final : public Collate {
 public:
  ParallelCollate(ParallelTextPtr pairs, text::TokenizerPtr tokenizer,
                  const SequenceFormat& format);

  // input_ids, attention_mask [B,N]; decoder_input_ids, decoder_attention_mask, labels [B,T]: the
  // labels are the target, -100 behind it, and decoder_input_ids are the same one place to the
  // right, behind the start token. All int64.
  Batch operator()(const std::vector<int64_t>& indices, const Place& place,
                   BadSamples& bad) const override;

  // Reads and tokenizes every pair once, in `threads` threads, and keeps the tokens where they are
  // no more than 64 M: no batch is tokenized again then. Pairs that cannot be read are left to the
  // batches.
  void prepare(int64_t threads);
  // After prepare(): tokens of each source, and of each target; 1: it cannot be read.
  const std::vector<std::vector<int64_t>>& lengths() const { return lengths_; }
  int64_t cut_pairs() const { return cut_pairs_; }  // after prepare(): longer than max_length

 private:
  struct SequencePair {
    Sequence source, target;
  };
  SequencePair make_pair(int64_t index) const;

  ParallelTextPtr pairs_;
  text::TokenizerPtr tokenizer_;
  SequenceFormat format_;
  std::vector<SequencePair> kept_;  // empty: each batch is tokenized
  std::vector<std::vector<int64_t>> lengths_;
  int64_t cut_pairs_ = 0;
};

}  // namespace braid::data
