// A text encoder with its tokenizer: how the two are made for data, kept and read again.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "braid/core/progress.h"
#include "braid/data/batch.h"
#include "braid/models/hub_config.h"
#include "braid/models/text/text_model.h"
#include "braid/tasks/config.h"
#include "braid/text/tokenizer.h"
#include "braid/text/train_tokenizer.h"

namespace braid::tasks {

struct TokenizedModel {
  models::TextEncoderPtr model;
  models::HubConfig hub;
  text::TokenizerPtr tokenizer;
  int64_t max_length = 0;  // tokens of a text, longer ones are cut
  bool truncate = true;    // else longer ones that are asked about are refused
};

// Of a text that is asked about. truncated: tokens that were cut from it; where: its place, may be
// empty. Throws DataError where there are any, and the model is not to truncate.
void expect_whole(const TokenizedModel& model, int64_t truncated, const std::string& where = "");

// Of a batch on the model's device.
models::TextInput text_input(const data::Batch& batch);

// The config's tokenizer; else that of the weights; else one that is learned from the texts, of
// config.text.vocab_size word pieces. Throws ConfigError where weights come without.
text::TokenizerPtr make_tokenizer(const TaskConfig& config, const text::TextSource& texts,
                                  Progress& progress);

// The config's model with a head, and the weights of config.weights if given, on the CPU; the
// length is the config's, else that of longest(most) for the most that the model takes, 512 at
// most. classes: of a classifier, else none. seed: of the weights' initialization. Throws
// ConfigError where weights and tokenizer do not fit together.
TokenizedModel make_tokenized_model(const TaskConfig& config, models::TextHead head,
                                    const std::vector<std::string>& classes,
                                    text::TokenizerPtr tokenizer, int64_t seed,
                                    const std::function<int64_t(int64_t most)>& longest,
                                    Progress& progress);
// The model that the checkpoint describes, its weights not yet loaded: for a run that goes on.
TokenizedModel restore_tokenized_model(const std::filesystem::path& checkpoint);
// In eval mode. Throws IoError, or DataError where the tokenizer does not fit the model.
TokenizedModel load_tokenized_model(const std::filesystem::path& folder);
void save_tokenized_model(const TokenizedModel& model, const std::filesystem::path& folder);

}  // namespace braid::tasks
