// An encoder-decoder as exported files: what `braid export` writes and `braid-run` reads.
#pragma once

namespace braid::decoding {

// In one folder, under the names that Hugging Face's Optimum gives them. The third goes on from
// what was kept of the words before; without it the second computes them again for each word.
inline constexpr const char* kEncoderFile = "encoder_model.onnx";
inline constexpr const char* kDecoderFile = "decoder_model.onnx";
inline constexpr const char* kDecoderWithPastFile = "decoder_with_past_model.onnx";

// Keys of their metadata, beside those that other files of texts have.
inline constexpr const char* kPartKey = "part";  // one of the three that follow
inline constexpr const char* kEncoderPart = "encoder";
inline constexpr const char* kDecoderPart = "decoder";
inline constexpr const char* kDecoderWithPastPart = "decoder_with_past";
inline constexpr const char* kPadKey = "pad_token_id";
inline constexpr const char* kStartKey = "decoder_start_token_id";
inline constexpr const char* kEosKey = "eos_token_id";
inline constexpr const char* kGenerationKey = "generation_config";  // generation_config_to_json()

// What stands before the names of what is kept, "0.decoder.key", as an output of either decoder and
// as an input of the one with past.
inline constexpr const char* kPresentPrefix = "present.";
inline constexpr const char* kPastPrefix = "past_key_values.";

}  // namespace braid::decoding
