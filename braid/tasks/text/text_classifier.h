// A classifier of texts with its tokenizer: how one is made for data, kept and read again.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "braid/core/progress.h"
#include "braid/data/text/text_dataset.h"
#include "braid/models/hub_config.h"
#include "braid/models/text/text_model.h"
#include "braid/tasks/config.h"
#include "braid/tasks/inference.h"
#include "braid/text/tokenizer.h"

namespace braid::tasks {

struct TextClassifier {
  models::TextEncoderPtr model;
  models::HubConfig hub;
  text::TokenizerPtr tokenizer;
  int64_t max_length = 0;  // tokens of a text, longer ones are cut

  // A batch on the model's device to logits [B,K].
  torch::Tensor forward(const data::Batch& batch) const;
};

// The config's tokenizer; else that of the weights; else one that is learned from the texts, of
// config.text.vocab_size word pieces.
text::TokenizerPtr make_tokenizer(const TaskConfig& config, const data::TextDataset& texts,
                                  Progress& progress);
// What most of the texts have, up to `most`: of a few hundred of them.
int64_t suitable_length(const data::TextDataset& texts, const text::Tokenizer& tokenizer,
                        int64_t most);

// The config's model for the data, with the weights of config.weights if given, on the CPU. seed:
// of the weights' initialization. Throws ConfigError where weights and tokenizer do not fit
// together.
TextClassifier make_text_classifier(const TaskConfig& config, const data::TextDataset& train,
                                    text::TokenizerPtr tokenizer, int64_t seed, Progress& progress);
// The model that the checkpoint describes, its weights not yet loaded: for a run that goes on.
// Throws DataError where the data has other classes.
TextClassifier restore_text_classifier(const TaskConfig& config, const data::TextDataset& train,
                                       const std::filesystem::path& checkpoint);
// In eval mode. Throws IoError, or DataError for a folder that holds no classifier of texts.
TextClassifier load_text_classifier(const std::filesystem::path& folder);
void save_text_classifier(const TextClassifier& classifier, const std::filesystem::path& folder);

// The dataset in its order through the model, as run_dataset does it for images.
int64_t run_texts(const TextClassifier& classifier, const data::TextDatasetPtr& dataset,
                  const EvaluateOptions& options, Progress& progress, const SeeLogits& see);
// [N,K] float32 on the CPU, rows sum to 1. Throws DataError where they are not finite.
torch::Tensor classify(const TextClassifier& classifier, const std::vector<std::string>& texts,
                       const std::string& dtype);

}  // namespace braid::tasks
