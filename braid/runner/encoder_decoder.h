// A model that writes texts, as the files of `braid export`: what reads a text, once, what says
// which word may follow those that are written, and, where it is there, what says so of the last
// word alone and what was kept of the others.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "braid/decoding/generation_config.h"
#include "braid/decoding/token_rules.h"
#include "braid/runner/decoder_with_past.h"
#include "braid/runner/session.h"

namespace braid::runner {

// One text at a time.
class EncoderDecoder {
 public:
  // folder: with encoder and decoder, and the decoder with past perhaps. Throws IoError, and
  // DataError naming file and key where a file is missing or is another part, metadata are missing
  // or say what cannot be, or the files are not of one model: other metadata, another width.
  // options.most_bytes: of all of them together.
  static EncoderDecoder open(const std::filesystem::path& folder, SessionOptions options = {});
  // Bytes must live as long as the model. decoder_with_past: may be empty.
  static EncoderDecoder of_bytes(std::span<const uint8_t> encoder, std::span<const uint8_t> decoder,
                                 SessionOptions options = {},
                                 std::span<const uint8_t> decoder_with_past = {});

  // Reads a text, of which next() speaks afterwards: its tokens, at least one.
  void read(const std::vector<int64_t>& ids);
  // rows: what is written of some continuations, with the start token, all of one length. parents:
  // of each, the row of the call before that it adds one token to; with the decoder with past only
  // that token is computed. Empty: nothing goes on. What may follow each: logits [R,V], row by row.
  // Throws DataError where the files compute something else.
  std::vector<float> next(const std::vector<decoding::TokenIds>& rows,
                          const std::vector<int64_t>& parents = {});

  int64_t vocab_size() const { return vocab_size_; }        // V, the decoder's
  int64_t max_positions() const { return max_positions_; }  // tokens of a text; 0: any number
  int64_t pad_token_id() const { return pad_; }
  int64_t eos_token_id() const { return eos_; }  // ends a text that is read
  // As the files say, for one text of at most max_positions() tokens, without drawing.
  const decoding::GenerationConfig& generation() const { return generation_; }
  const Session& encoder() const { return *encoder_; }
  const Session& decoder() const { return *decoder_; }
  // Null where each word computes all words before it again.
  const Session* decoder_with_past() const { return past_ ? &past_->session() : nullptr; }

 private:
  EncoderDecoder(std::unique_ptr<Session> encoder, std::unique_ptr<Session> decoder,
                 std::unique_ptr<Session> decoder_with_past);
  void check_sizes();
  void read_generation();
  void repeat_source(int64_t rows);
  Tensor logits_of_all(const std::vector<decoding::TokenIds>& rows);
  Tensor logits_of_last(const std::vector<decoding::TokenIds>& rows,
                        const std::vector<int64_t>& parents);

  std::unique_ptr<Session> encoder_, decoder_;
  std::unique_ptr<DecoderWithPast> past_;  // reads what decoder_ gives
  size_t logits_ = 0;                      // the output of decoder_
  int64_t vocab_size_ = 0, max_positions_ = 0, pad_ = 0, eos_ = 0;
  decoding::GenerationConfig generation_;
  Tensor hidden_;                       // [1,M,D] of the text that was read
  Tensor source_hidden_, source_mask_;  // the same for each row, [R,M,D] and [R,M]
};

}  // namespace braid::runner
