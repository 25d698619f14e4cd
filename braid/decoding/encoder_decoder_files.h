// An encoder-decoder as two exported files: what `braid export` writes and `braid-run` reads.
#pragma once

namespace braid::decoding {

// In one folder, under the names that Hugging Face's Optimum gives them.
inline constexpr const char* kEncoderFile = "encoder_model.onnx";
inline constexpr const char* kDecoderFile = "decoder_model.onnx";

// Keys of their metadata, beside those that other files of texts have.
inline constexpr const char* kPartKey = "part";  // kEncoderPart or kDecoderPart
inline constexpr const char* kEncoderPart = "encoder";
inline constexpr const char* kDecoderPart = "decoder";
inline constexpr const char* kPadKey = "pad_token_id";
inline constexpr const char* kStartKey = "decoder_start_token_id";
inline constexpr const char* kEosKey = "eos_token_id";
inline constexpr const char* kGenerationKey = "generation_config";  // generation_config_to_json()

}  // namespace braid::decoding
