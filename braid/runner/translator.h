// Exported translators: a text in, its translation out.
#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "braid/runner/encoder_decoder.h"
#include "braid/text/sequence.h"
#include "braid/text/tokenizer.h"

namespace braid::runner {

struct TranslatorOptions {
  SessionOptions session = {};
  // Of the search; 0: as the files' generation_config says.
  int64_t num_beams = 0;         // 1: greedy search
  int64_t max_length = 0;        // tokens of the longest translation, with the start token
  double max_length_factor = 0;  // see decoding::longest_text(); 0: whatever the source has
};

struct TranslatedText {
  std::string text;
  double score = 0;  // see WrittenText
  bool cut = false;  // the source was too long: its end is not translated
};

// One text at a time.
class Translator {
 public:
  // As EncoderDecoder::open() and of_bytes(). Throws UsageError for options that the model cannot
  // have, DataError too where the files carry no tokenizer, or one of more words than the decoder.
  static Translator open(const std::filesystem::path& folder,
                         const TranslatorOptions& options = {});
  static Translator of_bytes(std::span<const uint8_t> encoder, std::span<const uint8_t> decoder,
                             const TranslatorOptions& options = {},
                             std::span<const uint8_t> decoder_with_past = {});

  // What `braid translate` gives in float32. A text without anything but white space, or of which
  // the tokenizer leaves nothing, is an empty one. Throws DataError for text that the tokenizer or
  // the model cannot read.
  TranslatedText translate(std::string_view text);
  int64_t max_length() const { return format_.max_length; }  // tokens of a source; 0: any number
  const EncoderDecoder& model() const { return model_; }

 private:
  Translator(EncoderDecoder model, const TranslatorOptions& options);
  void set_search(const TranslatorOptions& options);

  EncoderDecoder model_;
  text::TokenizerPtr tokenizer_;
  text::SequenceFormat format_;
  decoding::GenerationConfig generation_;
  double max_length_factor_ = 0;
};

}  // namespace braid::runner
