// Encoder-decoders as graphs: what reads a text, once, and what says which word may follow those
// that are written, from all of them or from the last one and what was kept of the others.
#pragma once
#include <string>
#include <vector>

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
// The same with what its layers keep, after the logits, layer by layer: `present.0.decoder.key`,
// `.value` [N,H,L,d] of its attention over the words, or `.conv` [N,1,L,D], the words that its
// convolution sees, then `present.0.encoder.key`, `.value` [N,H,M,d] of that over the memory.
Graph capture_decoder_with_present(models::EncoderDecoder& model);
// One word more. model: in eval mode, one that can_go_on(). `encoder_attention_mask` [N,M] int64,
// `input_ids` [N,1] int64, the last word, and `past_key_values.0.decoder.key`, .. [N,H,L,d] of the
// L words before it, all that the former gives -> `logits` [N,1,V] and `present.0.decoder.key`, ..
// [N,H,L+1,d]; what is kept of the memory stays as it is.
Graph capture_decoder_with_past(models::EncoderDecoder& model);
// Whether its decoder keeps anything, and texts are long enough for a capture of it.
bool can_go_on(models::EncoderDecoder& model);

// What a decoder says of some words, and keeps of them.
struct DecodedWords {
  torch::Tensor logits;  // [N,L,V]
  struct Kept {
    std::string name;  // "0.decoder.key"
    torch::Tensor value;
    bool of_memory = false;  // stays as it is when words follow
  };
  std::vector<Kept> kept;
};
// ids: [N,L].
DecodedWords decode_words(models::EncoderDecoder& model, const torch::Tensor& ids,
                          const models::EncodedText& encoded);

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
