// One of each encoder-decoder, as small as may be.
#pragma once
#include <array>
#include <utility>

namespace braid::onnx {

// Name and fields of its config, JSON. Each has 44 words and 40 positions.
inline constexpr std::array<std::pair<const char*, const char*>, 3> kSmallTranslators = {
    std::pair("transformer_tiny",
              R"({"vocab_size": 44, "d_model": 32, "encoder_layers": 1, "decoder_layers": 1,
                  "encoder_ffn_dim": 24, "decoder_ffn_dim": 24,
                  "max_position_embeddings": 40})"),
    std::pair("lightconv_tiny",
              R"({"vocab_size": 44, "embed_dim": 32, "encoder_layers": 1, "decoder_layers": 1,
                  "encoder_ffn_embed_dim": 24, "decoder_ffn_embed_dim": 24,
                  "max_positions": 40})"),
    std::pair("lite_transformer_160",
              R"({"vocab_size": 44, "embed_dim": 32, "encoder_layers": 1, "decoder_layers": 1,
                  "encoder_ffn_embed_dim": 24, "decoder_ffn_embed_dim": 24,
                  "max_positions": 40})")};

}  // namespace braid::onnx
