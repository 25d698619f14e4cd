// A model that writes texts, as the two files of `braid export`: what reads a text, once, and what
// says which word may follow those that are written.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "braid/decoding/generation_config.h"
#include "braid/decoding/token_rules.h"
#include "braid/runner/session.h"

namespace braid::runner {

// One text at a time.
class EncoderDecoder {
 public:
  // folder: with both files. Throws IoError, and DataError naming file and key where a file is
  // missing or is the other part, metadata are missing or say what cannot be, or the two are not of
  // one model: other metadata, another width.
  static EncoderDecoder open(const std::filesystem::path& folder, SessionOptions options = {});
  // Bytes must live as long as the model.
  static EncoderDecoder of_bytes(std::span<const uint8_t> encoder, std::span<const uint8_t> decoder,
                                 SessionOptions options = {});

  // Reads a text, of which next() speaks afterwards: its tokens, at least one.
  void read(const std::vector<int64_t>& ids);
  // rows: what is written of some continuations, with the start token, all of one length. What may
  // follow each: logits [R,V], row by row. Throws DataError where the files compute something else.
  std::vector<float> next(const std::vector<decoding::TokenIds>& rows);

  int64_t vocab_size() const { return vocab_size_; }        // V, the decoder's
  int64_t max_positions() const { return max_positions_; }  // tokens of a text; 0: any number
  int64_t pad_token_id() const { return pad_; }
  int64_t eos_token_id() const { return eos_; }  // ends a text that is read
  // As the files say, for one text of at most max_positions() tokens, without drawing.
  const decoding::GenerationConfig& generation() const { return generation_; }
  const Session& encoder() const { return *encoder_; }
  const Session& decoder() const { return *decoder_; }

 private:
  EncoderDecoder(std::unique_ptr<Session> encoder, std::unique_ptr<Session> decoder);
  void check_sizes();
  void read_generation();
  void repeat_source(int64_t rows);

  std::unique_ptr<Session> encoder_, decoder_;
  int64_t vocab_size_ = 0, max_positions_ = 0, pad_ = 0, eos_ = 0;
  decoding::GenerationConfig generation_;
  Tensor hidden_;                       // [1,M,D] of the text that was read
  Tensor source_hidden_, source_mask_;  // the same for each row, [R,M,D] and [R,M]
};

}  // namespace braid::runner
