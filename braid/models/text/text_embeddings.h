// The input of a text Transformer: tokens, their positions and which text they are of, summed and
// normalized.
//
// Reference: BertEmbeddings, Embeddings (DistilBERT), ElectraEmbeddings of Hugging Face
// transformers (Apache-2.0); same keys.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "braid/models/text/text_model.h"
#include "braid/torch.h"

namespace braid::models {

// How a model knows where a token stands.
enum class TextPositions {
  kAbsolute,      // a learned vector per position, added
  kSinusoidal,    // sines and cosines, added
  kRotary,        // queries and keys turn with their position, RoFormer
  kRelativeBias,  // a learned number per head and class of distance, T5
  kAlibi,         // a number that falls with the distance
  kNone
};
// "absolute", "sinusoidal", "rotary", "relative_bias", "alibi", "none". Throws ConfigError with
// near matches for another name.
TextPositions parse_text_positions(const std::string& name);
std::vector<std::string> text_positions_names();

struct TextEmbeddingsConfig {
  int64_t vocab_size = 0;
  int64_t dim = 0;
  int64_t max_positions = 0;    // learned positions; 0: none
  int64_t type_vocab_size = 0;  // texts that can be told apart; 0: none
  int64_t pad_token_id = -1;    // its vector is zero and does not learn; -1: none
  bool sinusoidal = false;      // positions that are not learned
  double word_scale = 1;        // times the words' vectors
  bool norm = true;             // of the sum
  double norm_eps = 1e-12;
  double drop = 0;
};

// Keys: word_embeddings, position_embeddings, token_type_embeddings, LayerNorm, as it has them.
class TextEmbeddingsImpl : public torch::nn::Module {
 public:
  explicit TextEmbeddingsImpl(const TextEmbeddingsConfig& config);
  // [B,N] -> [B,N,dim]. Throws DataError for a token type that it does not have.
  torch::Tensor forward(const TextInput& input);

  torch::nn::Embedding word_embeddings{nullptr}, position_embeddings{nullptr},
      token_type_embeddings{nullptr};
  torch::nn::LayerNorm norm{nullptr};

 private:
  TextEmbeddingsConfig config_;
};
TORCH_MODULE(TextEmbeddings);

}  // namespace braid::models
