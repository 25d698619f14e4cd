// An encoder-decoder as two ONNX files under the names that Hugging Face's Optimum gives them.
#pragma once
#include <filesystem>

#include "braid/decoding/encoder_decoder_files.h"
#include "braid/export/export_report.h"
#include "braid/models/text/text_checkpoint.h"

namespace braid::onnx {

using decoding::kDecoderFile;
using decoding::kEncoderFile;

struct EncoderDecoderReport {
  ExportReport encoder, decoder;
};
// Writes the two into a folder, which is made where there is none: `input_ids`, `attention_mask`
// [N,L] -> `last_hidden_state` [N,L,D]; `input_ids` [N,L], `encoder_hidden_states` [N,M,D],
// `encoder_attention_mask` [N,M] -> `logits` [N,L,V], without a cache of keys and values.
// checkpoint: the folder whose tokenizer's files go into the metadata; may be empty. Throws
// DataError where the model cannot be captured or translated, IoError.
EncoderDecoderReport export_encoder_decoder(models::LoadedEncoderDecoder& loaded,
                                            const std::filesystem::path& checkpoint,
                                            const std::filesystem::path& folder);

}  // namespace braid::onnx
