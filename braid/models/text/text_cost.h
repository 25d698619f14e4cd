// What a network of text costs.
#pragma once
#include <cstdint>
#include <vector>

#include "braid/models/text/encoder_decoder.h"
#include "braid/models/text/text_model.h"

namespace braid::models {

// Multiply-accumulates of one forward pass in eval mode; of an encoder-decoder with as many tokens
// on either side. shape: [B,N].
int64_t count_macs(TextModel& model, const std::vector<int64_t>& shape);

}  // namespace braid::models
