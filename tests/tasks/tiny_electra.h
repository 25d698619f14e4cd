// An ELECTRA of a few numbers, with a tokenizer, to start from.
#pragma once
#include <filesystem>
#include <fstream>
#include <string>

#include "braid/models/registry.h"
#include "braid/tasks/text/tokenized_model.h"
#include "braid/text/train_tokenizer.h"

namespace braid::tasks {

inline const Json& tiny_electra_fields() {
  static const Json fields = {{"embedding_size", 6},     {"hidden_size", 16},
                              {"num_hidden_layers", 2},  {"num_attention_heads", 2},
                              {"intermediate_size", 24}, {"max_position_embeddings", 40},
                              {"pad_token_id", 0}};
  return fields;
}

// Lines of text in a file that two networks learn quickly.
inline void write_corpus(const std::filesystem::path& file) {
  std::ofstream text(file);
  for (int i = 0; i < 300; ++i)
    text << (i % 2 == 0 ? "the cat sat on the mat and slept\n"
                        : "a dog ran in the park and barked\n");
}

// A discriminator's folder, its tokenizer learned from the corpus.
inline void write_tiny_electra(const std::filesystem::path& folder,
                               const std::filesystem::path& corpus) {
  std::ifstream lines(corpus);
  TokenizedModel made;
  made.tokenizer = text::train_wordpiece(
      [&](std::string& text) { return static_cast<bool>(std::getline(lines, text)); },
      {.vocab_size = 300});
  auto fields = tiny_electra_fields();
  fields["vocab_size"] = made.tokenizer->vocab_size();
  fields["head"] = "pretraining";
  made.model = models::create_model<models::TextEncoder>("electra_small", fields, 3);
  made.hub = {.architecture = "electra_small", .model_args = made.model->config()};
  made.max_length = 24;
  std::filesystem::create_directories(folder);
  save_tokenized_model(made, folder);
}

}  // namespace braid::tasks
