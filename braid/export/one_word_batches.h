// What a decoder with past is calibrated and judged on: one word of a text, and what was kept of
// the words before it.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "braid/data/batch.h"
#include "braid/graph/graph.h"
#include "braid/torch.h"

namespace braid::onnx {

// The decoder's inputs, beside input_ids.
inline constexpr const char* kEncoderHidden = "encoder_hidden_states";
inline constexpr const char* kEncoderMask = "encoder_attention_mask";

// A graph's outputs for values of these names.
std::vector<torch::Tensor> outputs_of(const graph::Graph& graph,
                                      const std::map<std::string, torch::Tensor>& values);

struct OneWordBatches {
  std::vector<data::Batch> batches;
  int64_t items = 0;  // texts, of which each is in several batches
};

// decoder: capture_decoder_with_present()'s; next: capture_decoder_with_past()'s. batches: the
// decoder's inputs and labels [B,L]. Each gives up to four: at places of its texts that are evenly
// apart, the word there, its label [B,1] and what the decoder keeps of the words before; in the
// order of the batches, as long as what is kept fits into some memory.
OneWordBatches one_word_batches(const graph::Graph& decoder, const graph::Graph& next,
                                const std::vector<data::Batch>& batches);

}  // namespace braid::onnx
