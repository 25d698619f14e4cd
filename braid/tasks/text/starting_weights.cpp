#include "braid/tasks/text/starting_weights.h"

#include <initializer_list>

#include "braid/core/error.h"
#include "braid/io/hub.h"
#include "braid/io/posix_file.h"

namespace braid::tasks {

std::string tokenizer_source(const TaskConfig& config, const std::string& learned) {
  if (!config.text.tokenizer.empty()) return config.text.tokenizer;
  return config.weights.empty() ? learned : config.weights;
}

text::TokenizerPtr given_tokenizer(const TaskConfig& config, Progress& progress) {
  if (!config.text.tokenizer.empty()) return text::load_tokenizer(config.text.tokenizer);
  if (config.weights.empty()) return nullptr;
  const auto weights = io::resolve_weights(config.weights, progress);
  if (!io::file_exists(weights))
    throw IoError("train", "expected weights, got no such file or folder", config.weights);
  if (io::is_folder(weights) && text::has_tokenizer(weights)) return text::load_tokenizer(weights);
  throw ConfigError("train", "expected a tokenizer beside the weights, got none", config.weights,
                    "name the one that they were trained with: --tokenizer");
}

Json shape_of(const models::HubConfig& card) {
  Json fields = Json::object();
  for (const auto& [name, value] : card.model_args.items())
    if (name.find("drop") == std::string::npos && name != "head" && name != "num_labels")
      fields[name] = value;
  return fields;
}

void set_drop_rates(Json& overrides, const Json& fields, const TaskConfig& config) {
  const auto set = [&](std::initializer_list<const char*> names, double rate) {
    if (rate <= 0) return;
    for (const char* name : names)
      if (fields.contains(name)) overrides[name] = rate;
  };
  set({"hidden_dropout_prob", "dropout", "drop_rate", "proj_drop_rate"}, config.drop);
  set({"attention_probs_dropout_prob", "attention_dropout", "attn_drop_rate"}, config.attn_drop);
  set({"drop_path_rate"}, config.drop_path);
}

}  // namespace braid::tasks
