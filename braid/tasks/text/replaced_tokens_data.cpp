#include "braid/tasks/text/replaced_tokens_data.h"

#include "braid/core/error.h"
#include "braid/io/hub.h"
#include "braid/io/posix_file.h"
#include "braid/models/registry.h"
#include "braid/models/weights.h"
#include "braid/tasks/text/replaced_tokens.h"
#include "braid/tasks/text/starting_weights.h"

namespace braid::tasks {
namespace {

void expect_electra(const TaskConfig& config) {
  const auto entry = models::find_model(config.model);
  if (!entry.transformers || entry.transformers->model_type != "electra")
    throw UsageError("train",
                     "expected an ELECTRA for replaced_token_detection, got " + config.model,
                     "--model", "take electra_small, or --task masked_lm");
  if (config.text.next_sentence)
    throw ConfigError("train", "expected no next_sentence for replaced_token_detection, got it",
                      "--next-sentence", "it is BERT's: --task masked_lm");
}

}  // namespace

TokenizedModel ReplacedTokensData::make_generator(const TaskConfig& config,
                                                  const TokenizedModel& discriminator, int64_t seed,
                                                  Progress& progress) const {
  TokenizedModel made{.model = {},
                      .hub = {.architecture = discriminator.hub.architecture},
                      .tokenizer = discriminator.tokenizer,
                      .max_length = discriminator.max_length};
  Json fields = generator_config(discriminator.model->config(), config.text.generator_hidden_size);
  std::filesystem::path weights;
  if (!config.weights.empty())
    weights = io::resolve_weights(config.weights, progress) / ElectraPair::kGenerator;
  const bool given = !weights.empty() && io::file_exists(weights / "config.json");
  if (given) fields.update(shape_of(models::read_hub_config(weights / "config.json")));
  // Not the discriminator's seed: networks of the same size would begin alike.
  made.model = models::create_model<models::TextEncoder>(made.hub.architecture, fields,
                                                         static_cast<uint64_t>(seed) + 1);
  made.hub.model_args = made.model->config();
  if (given) models::load_weights_to_fine_tune(*made.model, weights, progress);
  return made;
}

TrainingFacts ReplacedTokensData::facts(const TaskConfig& config, const FactOptions& options,
                                        Progress& progress) const {
  expect_electra(config);
  return facts_with(models::TextHead::kPreTraining, config, options, progress);
}

std::unique_ptr<Task> ReplacedTokensData::make_task(const TaskConfig& config,
                                                    const TaskOptions& options,
                                                    Progress& progress) const {
  expect_electra(config);
  const auto& checkpoint = options.checkpoint;
  auto discriminator = checkpoint.empty() ? make_model(config, models::TextHead::kPreTraining,
                                                       options.seed, progress)
                                          : restore_tokenized_model(checkpoint);
  auto generator = checkpoint.empty()
                       ? make_generator(config, discriminator, options.seed, progress)
                       : restore_tokenized_model(checkpoint / ElectraPair::kGenerator);
  auto blocks = blocks_for(config, discriminator, progress);
  return std::make_unique<ReplacedTokenDetection>(config, std::move(blocks),
                                                  std::move(discriminator), std::move(generator));
}

}  // namespace braid::tasks
