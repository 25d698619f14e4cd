#include "braid/runner/translator.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "braid/core/error.h"
#include "braid/runner/file_tokenizer.h"
#include "braid/runner/write_text.h"
#include "braid/text/line.h"

namespace braid::runner {

Translator::Translator(EncoderDecoder model, const TranslatorOptions& options)
    : model_(std::move(model)),
      tokenizer_(tokenizer_in(model_.encoder())),
      generation_(model_.generation()) {
  const int64_t words = tokenizer_->vocab_size();
  if (words > model_.vocab_size())
    throw DataError("runner",
                    fmt::format("expected a tokenizer of at most {} tokens, as {} has them, got "
                                "one of {}",
                                model_.vocab_size(), model_.decoder().where(), words),
                    model_.encoder().where(),
                    "export the checkpoint again, with the tokenizer that it was trained with");
  if (model_.eos_token_id() >= model_.vocab_size() || model_.pad_token_id() >= model_.vocab_size())
    throw DataError("runner",
                    fmt::format("expected eos_token_id and pad_token_id below {}, got {} and {}",
                                model_.vocab_size(), model_.eos_token_id(), model_.pad_token_id()),
                    model_.encoder().where());
  format_ = {.pad = static_cast<int32_t>(model_.pad_token_id()),
             .eos = static_cast<int32_t>(model_.eos_token_id()),
             .max_length = model_.max_positions()};
  set_search(options);
}

void Translator::set_search(const TranslatorOptions& options) {
  max_length_factor_ = options.max_length_factor;
  if (options.num_beams != 0) generation_.num_beams = options.num_beams;
  if (options.max_length != 0) generation_.max_length = options.max_length;
  if (options.num_beams != 0 || options.max_length != 0)
    check_fields<UsageError>(generation_, "runner");
  const int64_t positions = model_.max_positions();
  if (positions > 0 && generation_.max_length > positions)
    throw UsageError("runner",
                     fmt::format("expected at most {} tokens, as many as the model takes, got {}",
                                 positions, generation_.max_length),
                     "max_length");
}

Translator Translator::open(const std::filesystem::path& folder, const TranslatorOptions& options) {
  return {EncoderDecoder::open(folder, options.session), options};
}

Translator Translator::of_bytes(std::span<const uint8_t> encoder, std::span<const uint8_t> decoder,
                                const TranslatorOptions& options,
                                std::span<const uint8_t> decoder_with_past) {
  return {EncoderDecoder::of_bytes(encoder, decoder, options.session, decoder_with_past), options};
}

TranslatedText Translator::translate(std::string_view text) {
  if (text::is_blank(text)) return {};
  const auto source = text::make_sequence(text, *tokenizer_, format_);
  if (text::has_no_words(source)) return {};
  auto config = generation_;
  config.max_length = decoding::longest_text(generation_, static_cast<int64_t>(source.ids.size()),
                                             max_length_factor_);
  const auto written = write_text(model_, {source.ids.begin(), source.ids.end()}, config);
  std::vector<int32_t> ids;
  for (const int64_t id : written.ids)  // a model may have more numbers than the tokenizer
    if (id < tokenizer_->vocab_size()) ids.push_back(static_cast<int32_t>(id));
  return {.text = tokenizer_->decode(ids), .score = written.score, .cut = source.cut};
}

}  // namespace braid::runner
