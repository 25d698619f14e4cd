#include "braid/tasks/text/electra_pair.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "braid/core/error.h"
#include "braid/models/text/transformer/electra.h"

namespace braid::tasks {
namespace {

const std::string kGeneratorPrefix = std::string(ElectraPair::kGenerator) + ".";
const char* const kElectraBody = "electra";
const char* const kElectraEmbeddings = "embeddings";  // of the body

bool is_of_generator(const std::string& name) { return name.starts_with(kGeneratorPrefix); }
std::string without_generator(const std::string& name) {
  return name.substr(kGeneratorPrefix.size());
}

void expect_same_embeddings(const models::Electra& discriminator,
                            const models::Electra& generator) {
  const auto of_one = discriminator.config(), of_other = generator.config();
  for (const char* field : {"vocab_size", "embedding_size", "max_position_embeddings",
                            "type_vocab_size", "position_embedding_type", "pad_token_id"})
    if (of_one.at(field) != of_other.at(field))
      throw ConfigError("train",
                        fmt::format("expected a generator with the discriminator's {}, {}, got {}",
                                    field, of_one.at(field).dump(), of_other.at(field).dump()));
}

}  // namespace

ElectraPair::ElectraPair(std::shared_ptr<models::Electra> discriminator,
                         std::shared_ptr<models::Electra> generator)
    : discriminator_(std::move(discriminator)), generator_(std::move(generator)) {
  expect_same_embeddings(*discriminator_, *generator_);
  for (const auto& child : discriminator_->named_children())
    register_module(child.key(), child.value());
  const auto body = generator_->named_children()[kElectraBody];
  body->replace_module(kElectraEmbeddings, discriminator_->embeddings.ptr());
  generator_->embeddings = discriminator_->embeddings;
  // A second list of the generator's modules, without what the discriminator has registered.
  const auto own = register_module(kGenerator, std::make_shared<torch::nn::Module>());
  const auto own_body = own->register_module(kElectraBody, std::make_shared<torch::nn::Module>());
  for (const auto& child : body->named_children())
    if (child.key() != kElectraEmbeddings) own_body->register_module(child.key(), child.value());
  for (const auto& child : generator_->named_children())
    if (child.key() != kElectraBody) own->register_module(child.key(), child.value());
}

models::TextEncoder& ElectraPair::discriminator() { return *discriminator_; }
models::TextEncoder& ElectraPair::generator() { return *generator_; }
Json ElectraPair::config() const { return discriminator_->config(); }
int64_t ElectraPair::layer_count() const { return discriminator_->layer_count(); }

void ElectraPair::pass_on_checkpointing() {
  discriminator_->set_grad_checkpointing(checkpointing());
  generator_->set_grad_checkpointing(checkpointing());
}

std::vector<std::string> ElectraPair::head_modules() const {
  auto modules = discriminator_->head_modules();
  for (const auto& module : generator_->head_modules())
    modules.push_back(kGeneratorPrefix + module);
  return modules;
}

int64_t ElectraPair::layer_id(const std::string& parameter) const {
  if (!is_of_generator(parameter)) return discriminator_->layer_id(parameter);
  return std::min(generator_->layer_id(without_generator(parameter)), layer_count() - 1);
}

models::WeightPlace ElectraPair::place_weight(const std::string& in_file) const {
  if (!is_of_generator(in_file)) return discriminator_->place_weight(in_file);
  auto place = generator_->place_weight(without_generator(in_file));
  const auto shared = std::string(kElectraBody) + "." + kElectraEmbeddings + ".";
  if (!place.name.starts_with(shared)) place.name = kGeneratorPrefix + place.name;
  return place;
}

void ElectraPair::train(bool on) {
  discriminator_->train(on);
  generator_->train(on);
  models::Model::train(on);
}

Json generator_config(const Json& discriminator, double share) {
  constexpr int64_t kHead = 64;  // channels
  const auto whole = discriminator.at("hidden_size").get<int64_t>();
  const int64_t channels = std::max<int64_t>(1, std::llround(static_cast<double>(whole) * share));
  int64_t heads = std::max<int64_t>(1, channels / kHead);
  while (channels % heads != 0) --heads;
  Json config = discriminator;
  config["hidden_size"] = channels;
  config["intermediate_size"] = 4 * channels;
  config["num_attention_heads"] = heads;
  config["head"] = to_string(models::TextHead::kMaskedLm);
  return config;
}

}  // namespace braid::tasks
