// What a model of texts starts from: the tokenizer and the fields that weights or settings bring.
#pragma once
#include "braid/core/progress.h"
#include "braid/models/hub_config.h"
#include "braid/tasks/config.h"
#include "braid/text/tokenizer.h"

namespace braid::tasks {

// What the config's tokenizer comes from: a file, weights, or texts (then `learned` says how).
std::string tokenizer_source(const TaskConfig& config, const std::string& learned);
// The config's tokenizer, else that of the weights; null: one is to be learned. Throws ConfigError
// where weights come without.
text::TokenizerPtr given_tokenizer(const TaskConfig& config, Progress& progress);

// The fields of a checkpoint that shape the network; drop rates and heads are each run's own.
Json shape_of(const models::HubConfig& card);
// Sets the config's drop rates under whatever names `fields` has for them.
void set_drop_rates(Json& overrides, const Json& fields, const TaskConfig& config);

}  // namespace braid::tasks
