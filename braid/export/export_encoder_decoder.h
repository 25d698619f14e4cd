// An encoder-decoder as ONNX files under the names that Hugging Face's Optimum gives them.
#pragma once
#include <filesystem>
#include <optional>

#include "braid/decoding/encoder_decoder_files.h"
#include "braid/export/export_report.h"
#include "braid/models/text/text_checkpoint.h"

namespace braid::onnx {

using decoding::kDecoderFile;
using decoding::kDecoderWithPastFile;
using decoding::kEncoderFile;

struct EncoderDecoderReport {
  ExportReport encoder, decoder;
  std::optional<ExportReport> decoder_with_past{};  // none where the decoder keeps nothing
};
// Writes them into a folder, which is made where there is none: `input_ids`, `attention_mask`
// [N,L] -> `last_hidden_state` [N,L,D]; `input_ids` [N,L], `encoder_hidden_states` [N,M,D],
// `encoder_attention_mask` [N,M] -> `logits` [N,L,V] and what is kept of them; of one word more,
// `encoder_attention_mask`, `input_ids` [N,1] and what was kept -> `logits` [N,1,V] and what is
// kept then (graph/capture_encoder_decoder.h). checkpoint: the folder whose tokenizer's files go
// into the metadata; may be empty. Throws DataError where the model cannot be captured or
// translated, IoError.
EncoderDecoderReport export_encoder_decoder(models::LoadedEncoderDecoder& loaded,
                                            const std::filesystem::path& checkpoint,
                                            const std::filesystem::path& folder);

}  // namespace braid::onnx
