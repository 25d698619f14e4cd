#include "braid/runner/text_input.h"

#include "braid/core/error.h"
#include "braid/decoding/encoder_decoder_files.h"
#include "braid/io/question_row.h"
#include "braid/runner/file_tokenizer.h"

namespace braid::runner {

TextInput::TextInput(const Session& session) {
  bool reads_tokens = false;
  for (const auto& input : session.inputs())
    reads_tokens = reads_tokens || (input.name == "input_ids" && input.dtype == DType::kInt64 &&
                                    input.dims.size() == 2);
  if (!reads_tokens)
    throw DataError("runner", "expected a model of texts with an input input_ids, got another",
                    session.where(), "images are given without a flag");
  if (const auto part = session.metadata().find(decoding::kPartKey);
      part != session.metadata().end())
    throw DataError(
        "runner", "expected a model that labels texts, got a translator's " + part->second,
        session.where(), "give the folder that has all its files, as `braid-run FOLDER`");
  pairs_ = session.metadata().contains("text_pairs");
  tokenizer_ = tokenizer_in(session);
  max_length_ = metadata_number(session, "max_length", 1).value_or(max_length_);
}

text::Encoding TextInput::encode(const io::AskedText& asked) const {
  const auto& [text, pair] = asked;
  io::expect_asked(pair, pairs_, "runner", io::shortened(text));
  const text::EncodeOptions options{.add_special_tokens = true, .max_length = max_length_};
  return pair ? tokenizer_->encode_pair(text, *pair, options) : tokenizer_->encode(text, options);
}

std::map<std::string, Tensor> TextInput::prepare(const Session& session,
                                                 const text::Encoding& of_text) const {
  auto encoding = of_text;
  if (encoding.ids.empty()) {  // is one of padding, which is attended to, as in training
    const auto& special = tokenizer_->special();
    encoding.ids = {special.pad ? *special.pad : special.eos.value_or(0)};
    encoding.type_ids = {0};
  }
  const auto length = static_cast<int64_t>(encoding.ids.size());
  std::map<std::string, Tensor> given;
  for (const auto& input : session.inputs()) {
    Tensor tensor = session.make(DType::kInt64, {1, length});
    for (int64_t i = 0; i < length; ++i) {
      const auto at = static_cast<size_t>(i);
      tensor.as<int64_t>()[i] = input.name == "input_ids"        ? encoding.ids[at]
                                : input.name == "token_type_ids" ? encoding.type_ids[at]
                                                                 : 1;
    }
    given[input.name] = tensor;
  }
  return given;
}

}  // namespace braid::runner
