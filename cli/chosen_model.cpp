#include "cli/chosen_model.h"

#include "braid/core/error.h"
#include "braid/core/progress.h"
#include "braid/io/posix_file.h"
#include "braid/models/checkpoint.h"
#include "braid/models/registry.h"

namespace braid::cli {
namespace {

void expect_image_model(const std::filesystem::path& folder) {
  const auto hub = models::read_hub_config(models::find_config(folder));
  const auto kind = models::find_model(hub.architecture).kind;
  if (kind != models::ImageModel::kKind)
    throw DataError("graph",
                    "expected " + models::with_article(models::ImageModel::kKind) + ", got " +
                        models::with_article(kind) + " (" + hub.architecture + ")",
                    folder.string(), "only image models are captured so far");
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

models::LoadedModel choose_model(const std::string& model, const ModelShape& shape, uint64_t seed) {
  if (names_checkpoint(model)) {
    if (shape.img_size || shape.in_chans || shape.num_classes)
      throw UsageError("graph",
                       "expected an architecture with --img-size, --in-chans and "
                       "--num-classes, got a checkpoint",
                       model, "leave them out: a checkpoint has its own");
    const auto folder = models::find_checkpoint(model, *make_terminal_progress());
    expect_image_model(folder);
    return models::load_for_inference(folder);
  }
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

}  // namespace braid::cli
