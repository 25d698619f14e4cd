// Named encoders of texts, made small.
#pragma once
#include <string>
#include <utility>

#include "braid/models/registry.h"

namespace braid::models {

// Fields of a config: those given, and with them two layers and heads of 16 channels.
inline Json narrow_encoder_fields(const std::string& name, Json fields) {
  const auto config = find_model(name).config;
  for (const char* layers : {"num_hidden_layers", "n_layers", "encoder_layers"})
    if (config.contains(layers)) fields[layers] = 2;
  for (const auto& [width, heads] :
       {std::pair("hidden_size", "num_attention_heads"), std::pair("dim", "n_heads")}) {
    if (!config.contains(width)) continue;
    fields[width] = 16 * config.at(heads).get<int64_t>();
    for (const char* hidden : {"intermediate_size", "hidden_dim"})
      if (config.contains(hidden)) fields[hidden] = 80;
    if (config.contains("embedding_size"))
      fields["embedding_size"] =
          config.at("embedding_size") == config.at(width) ? fields[width] : Json(24);
  }
  return fields;
}

}  // namespace braid::models
