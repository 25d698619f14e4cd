#include "braid/tasks/image_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "braid/core/error.h"
#include "braid/data/bad_samples.h"
#include "braid/data/image/image_collate.h"
#include "braid/io/hub.h"
#include "braid/models/registry.h"
#include "braid/models/vision/inputs.h"
#include "braid/models/weights.h"
#include "braid/tasks/class_names.h"

namespace braid::tasks {
namespace {

int64_t longer_side(const io::Image& image) { return std::max(image.height, image.width); }

// Of a few images, spread over the dataset.
int64_t largest_side(const data::Dataset& dataset) {
  constexpr int64_t kImages = 8;
  int64_t largest = 0;
  for (int64_t i = 0; i < std::min(kImages, dataset.size()); ++i)
    data::can_read([&] {
      largest = std::max(largest, longer_side(dataset.get(i * dataset.size() / kImages).image));
    });
  return largest;
}

// As evaluation sees them, spread over the dataset; those that cannot be read are left out.
torch::Tensor some_images(const data::Dataset& dataset, const data::InputConfig& input) {
  constexpr int64_t kImages = 2000;
  const int64_t count = std::min(kImages, dataset.size());
  std::vector<io::Image> images;
  for (int64_t i = 0; i < count; ++i)
    data::can_read([&] { images.push_back(dataset.get(i * dataset.size() / count).image); });
  if (images.empty()) throw DataError("train", "expected at least one image that can be read");
  return data::stack_images(images, input);
}

void whiten_stem(models::ImageModel& model, const TaskConfig& config, const data::Dataset& dataset,
                 const data::InputConfig& input) {
  if (!config.weights.empty())
    throw ConfigError("train", "expected random weights where the first convolution is to whiten",
                      config.weights, "leave out --whiten-stem");
  if (!models::find_model(config.model).whitening_stem)
    throw ConfigError("train", "expected an architecture whose first convolution is made to whiten",
                      config.model, "leave out --whiten-stem, or take one of airbench_*, airvit_*");
  model.whiten_stem(some_images(dataset, input));
}

// The card beside the initial weights. Throws ConfigError where they are another architecture's.
std::optional<models::ImageHubConfig> card_of_weights(const TaskConfig& config) {
  if (config.weights.empty()) return std::nullopt;
  auto card = models::find_image_hub_config(config.weights);
  if (card && card->architecture != models::find_model(config.model).name)
    throw ConfigError(
        "train",
        fmt::format("expected weights of {}, got those of {}", config.model, card->architecture),
        config.weights, "give --model " + card->architecture);
  return card;
}

// The config fields of a checkpoint that shape the network; drop rates are each run's own.
Json shape_of(const models::ImageHubConfig& card) {
  Json fields = Json::object();
  for (const auto& [name, value] : card.model_args.items())
    if (name.find("drop") == std::string::npos) fields[name] = value;
  return fields;
}

}  // namespace

void to_channels_last(torch::nn::Module& module) {
  for (auto& p : module.parameters())
    if (p.dim() == 4) p.set_data(p.detach().contiguous(at::MemoryFormat::ChannelsLast));
}

namespace {

// side: of the dataset's first image.
int64_t input_side_of(const models::ModelEntry& entry, int64_t side, const data::Dataset& dataset) {
  constexpr int64_t kWhole = 32;  // pixels: most networks halve that often
  if (side <= data::kSmallImage) return side;
  const int64_t largest = std::max(side, largest_side(dataset));
  return std::min(models::image_input(entry).height, (largest + kWhole - 1) / kWhole * kWhole);
}

}  // namespace

int64_t image_side(const data::Dataset& dataset) { return longer_side(data::first_image(dataset)); }

int64_t input_side(const models::ModelEntry& entry, std::optional<int64_t> img_size,
                   const data::Dataset& dataset) {
  return img_size ? *img_size : input_side_of(entry, image_side(dataset), dataset);
}

data::InputConfig resolve_input(const TaskConfig& config, const data::Splits& splits,
                                data::SharedStatistics* statistics) {
  const auto card = card_of_weights(config);
  data::InputConfig input =
      card ? card->input : models::image_input(models::find_model(config.model));
  const int64_t side = image_side(*splits.train);
  const bool small = side <= data::kSmallImage;
  input.height = input.width =
      config.image.img_size ? *config.image.img_size
                            : input_side_of(models::find_model(config.model), side, *splits.train);
  if (small) input.crop_pct = 1.0;
  const bool other_channels = input.channels != splits.train->channels();
  input.channels = splits.train->channels();
  // Weights go on with the statistics that they were trained with.
  if (card ? other_channels : small || input.channels != 3) {
    const auto measured =
        statistics != nullptr ? statistics->get() : data::measure_statistics(*splits.train);
    input.mean = measured.mean;
    input.std = measured.std;
  }
  return input;
}

models::LoadedModel make_image_model(const TaskConfig& given, const data::Splits& splits,
                                     const ImageModelOptions& options, Progress& progress) {
  TaskConfig config = given;
  if (!config.weights.empty())
    config.weights = io::resolve_weights(config.weights, progress).string();
  models::LoadedModel made;
  made.hub.architecture = models::find_model(config.model).name;
  made.hub.tag = models::tag_of(config.model);
  made.hub.input = resolve_input(config, splits, options.statistics.get());
  made.hub.classes = splits.train->classes();
  expect_utf8(made.hub.classes, config.data);
  Json overrides = Json::object();
  if (const auto card = card_of_weights(config)) {
    overrides = shape_of(*card);
    if (made.hub.tag.empty()) made.hub.tag = card->tag;
  }
  overrides["num_classes"] = static_cast<int64_t>(made.hub.classes.size());
  overrides["in_chans"] = made.hub.input.channels;
  overrides["img_size"] = made.hub.input.height;
  if (config.drop > 0) overrides["drop_rate"] = config.drop;
  if (config.attn_drop > 0) overrides["attn_drop_rate"] = config.attn_drop;
  if (config.drop_path > 0) overrides["drop_path_rate"] = config.drop_path;
  made.model = models::create_model<models::ImageModel>(config.model, overrides,
                                                        static_cast<uint64_t>(options.seed));
  made.hub.model_args = made.model->config();
  if (!config.weights.empty()) {
    models::load_weights_to_fine_tune(*made.model, config.weights, progress);
    if (const auto card = card_of_weights(config))
      reorder_head(*made.model, card->classes, made.hub.classes);
  }
  if (config.image.whiten_stem) whiten_stem(*made.model, given, *splits.train, made.hub.input);
  if (config.image.channels_last) to_channels_last(*made.model);
  return made;
}

models::LoadedModel restore_image_model(const TaskConfig& config, const data::Splits& splits,
                                        const std::filesystem::path& checkpoint) {
  models::LoadedModel made;
  made.hub = models::read_image_hub_config(checkpoint / "config.json");
  expect_same_classes(made.hub.classes, splits.train->classes(), config.data);
  made.model = models::create_model<models::ImageModel>(made.hub.architecture, made.hub.model_args);
  if (config.image.channels_last) to_channels_last(*made.model);
  return made;
}

}  // namespace braid::tasks
