// What a model sees at once.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "braid/torch.h"

namespace braid::data {

// Keys of a batch are Hugging Face's.
inline constexpr const char* kPixelValues = "pixel_values";      // [B,C,H,W] float32, normalized
inline constexpr const char* kInputIds = "input_ids";            // [B,N] int64
inline constexpr const char* kAttentionMask = "attention_mask";  // [B,N] int64, 0: padding
inline constexpr const char* kTokenTypeIds = "token_type_ids";   // [B,N] int64
inline constexpr const char* kDecoderInputIds = "decoder_input_ids";            // [B,T] int64
inline constexpr const char* kDecoderAttentionMask = "decoder_attention_mask";  // [B,T] int64
inline constexpr const char* kLabels =
    "labels";  // [B] int64, or [B,T] where a text is the answer, -100: none
inline constexpr const char* kSoftLabels = "soft_labels";  // [B,K] float32: with mixup or cutmix

struct Batch {
  std::map<std::string, torch::Tensor> tensors;  // the first dimension of each is the batch
  std::vector<int64_t> indices;                  // positions in the dataset

  bool has(const std::string& name) const { return tensors.contains(name); }
  // Throws InternalError naming what is there.
  const torch::Tensor& at(const std::string& name) const;
  int64_t size() const { return static_cast<int64_t>(indices.size()); }  // examples
  Batch to(const torch::Device& device) const;
};

}  // namespace braid::data
