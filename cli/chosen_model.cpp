#include "cli/chosen_model.h"

#include <string_view>
#include <utility>

#include "braid/core/error.h"
#include "braid/core/progress.h"
#include "braid/io/posix_file.h"
#include "braid/models/checkpoint.h"
#include "braid/models/registry.h"
#include "braid/models/text/encoder_decoder.h"

namespace braid::cli {
namespace {

[[noreturn]] void refuse_kind(std::string_view kind, const std::string& model) {
  throw DataError("graph",
                  "expected an image model, a text encoder or an encoder-decoder, got " +
                      models::with_article(kind),
                  model);
}

void refuse_shape(const std::string& model, const ModelShape& shape) {
  if (shape.img_size || shape.in_chans || shape.num_classes)
    throw UsageError("graph",
                     "expected an architecture with --img-size, --in-chans and --num-classes, got "
                     "a checkpoint",
                     model, "leave them out: a checkpoint has its own");
}

models::LoadedModel build_image_model(const std::string& model, const ModelShape& shape,
                                      uint64_t seed) {
  Json overrides = Json::object();
  if (shape.img_size) overrides["img_size"] = *shape.img_size;
  if (shape.in_chans) overrides["in_chans"] = *shape.in_chans;
  if (shape.num_classes) overrides["num_classes"] = *shape.num_classes;
  models::LoadedModel loaded;
  loaded.model = models::create_model<models::ImageModel>(model, overrides, seed);
  loaded.model->eval();
  loaded.hub = models::make_image_hub_config(model, *loaded.model);
  loaded.model->reparameterize();
  return loaded;
}

// With --num-classes a classifier of texts.
models::LoadedTextEncoder build_text_encoder(const std::string& model, const ModelShape& shape,
                                             uint64_t seed) {
  if (shape.img_size || shape.in_chans)
    throw UsageError("graph",
                     "expected a model of images with --img-size and --in-chans, got one "
                     "of texts",
                     model);
  Json overrides = Json::object();
  if (shape.num_classes.value_or(0) > 0) {
    overrides["head"] = models::to_string(models::TextHead::kSequenceClassification);
    overrides["num_labels"] = *shape.num_classes;
  }
  models::LoadedTextEncoder loaded;
  loaded.model = models::create_model<models::TextEncoder>(model, overrides, seed);
  loaded.model->eval();
  loaded.hub = models::make_hub_config(model, *loaded.model);
  return loaded;
}

models::LoadedEncoderDecoder build_encoder_decoder(const std::string& model,
                                                   const ModelShape& shape, uint64_t seed) {
  if (shape.img_size || shape.in_chans || shape.num_classes)
    throw UsageError("graph",
                     "expected neither --img-size, --in-chans nor --num-classes for an "
                     "encoder-decoder",
                     model);
  models::LoadedEncoderDecoder loaded;
  loaded.model = models::create_model<models::EncoderDecoder>(model, Json::object(), seed);
  loaded.model->eval();
  loaded.hub = models::make_hub_config(model, *loaded.model);
  return loaded;
}

}  // namespace

void add_model_shape(CLI::App& verb, ModelShape& shape) {
  const auto positive = CLI::Range(int64_t{1}, int64_t{1'000'000});
  verb.add_option("--img-size", shape.img_size,
                  "of an architecture: pixels along one side [its own]")
      ->check(positive);
  verb.add_option("--in-chans", shape.in_chans, "of an architecture: input channels [its own]")
      ->check(positive);
  verb.add_option("--num-classes", shape.num_classes,
                  "of an architecture: classes, 0 for pooled features [its own]")
      ->check(CLI::Range(int64_t{0}, int64_t{1'000'000}));
}

bool names_checkpoint(const std::string& model) {
  return model.starts_with("hf-hub:") || io::is_folder(model);
}

NamedModel find_any_model(const std::string& model) {
  if (!names_checkpoint(model))
    return {.name = model, .kind = models::find_model(model).kind, .folder = {}};
  auto folder = models::find_checkpoint(model, *make_terminal_progress());
  const auto kind = models::kind_of_checkpoint(folder);
  return {.name = model, .kind = kind, .folder = std::move(folder)};
}

ChosenModel choose_any_model(const NamedModel& named, const ModelShape& shape, uint64_t seed) {
  const auto& [name, kind, folder] = named;
  if (!folder.empty()) {
    refuse_shape(name, shape);
    if (kind == models::ImageModel::kKind) return {models::load_for_inference(folder), folder};
    if (kind == models::TextEncoder::kKind) return {models::load_text_encoder(folder), folder};
    if (kind == models::EncoderDecoder::kKind)
      return {models::load_encoder_decoder(folder), folder};
    refuse_kind(kind, folder.string());
  }
  if (kind == models::ImageModel::kKind) return {build_image_model(name, shape, seed), {}};
  if (kind == models::TextEncoder::kKind) return {build_text_encoder(name, shape, seed), {}};
  if (kind == models::EncoderDecoder::kKind) return {build_encoder_decoder(name, shape, seed), {}};
  refuse_kind(kind, name);
}

ChosenModel choose_any_model(const std::string& model, const ModelShape& shape, uint64_t seed) {
  return choose_any_model(find_any_model(model), shape, seed);
}

}  // namespace braid::cli
