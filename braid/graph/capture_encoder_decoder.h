// Encoder-decoders as two graphs: what reads a text, once, and what says which word may follow
// those that are written.
#pragma once
#include "braid/graph/graph.h"
#include "braid/models/text/encoder_decoder.h"

namespace braid::graph {

// model: in eval mode. `input_ids`, `attention_mask` [N,L] int64 -> `last_hidden_state` [N,L,D].
// Throws DataError as capture() does.
Graph capture_encoder(models::EncoderDecoder& model);
// model: in eval mode. `input_ids` [N,L] int64, what is written with the start token,
// `encoder_hidden_states` [N,M,D], `encoder_attention_mask` [N,M] int64 -> `logits` [N,L,V].
// Nothing is kept from one word to the next: each call computes all L positions.
Graph capture_decoder(models::EncoderDecoder& model);

struct ExampleSource {
  torch::Tensor input_ids, attention_mask;  // [batch,tokens]
};
// Random words; every row of two tokens or more ends in padding.
ExampleSource example_source(const models::EncoderDecoder& model, int64_t batch, int64_t tokens,
                             at::Generator generator);
// Random words of the decoder's vocabulary, [batch,tokens].
torch::Tensor example_target(const models::EncoderDecoder& model, int64_t batch, int64_t tokens,
                             at::Generator generator);

}  // namespace braid::graph
