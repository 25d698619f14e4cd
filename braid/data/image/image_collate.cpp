#include "braid/data/image/image_collate.h"

#include <utility>

#include "braid/data/image/mix.h"
#include "braid/data/random.h"
#include "braid/data/stratify.h"

namespace braid::data {
namespace {

constexpr uint64_t kMixStream = 0xba7c4;  // a batch's mixing; images use the seed itself

}  // namespace

ImageCollate::ImageCollate(DatasetPtr dataset, InputConfig input, Prepare prepare)
    : dataset_(std::move(dataset)), input_(std::move(input)), prepare_(std::move(prepare)) {}

ImageCollate::ImageCollate(DatasetPtr dataset, InputConfig input, TrainingImages training)
    : dataset_(std::move(dataset)), input_(std::move(input)), training_(std::move(training)) {
  validate(training_->augment);
  if (!crops_randomly(training_->augment, input_))
    kept_ = PreparedImages::make(dataset_->size(), input_);
}

Example ImageCollate::prepared_example(int64_t index, int64_t epoch, Random& random) const {
  std::optional<bool> mirrored;
  if (training_ && training_->augment.alternate_flip)
    mirrored = is_flipped(training_->seed, epoch, index);
  if (kept_) {
    const auto image = kept_->get(
        index, [&] { return prepare_for_evaluation(dataset_->get(index).image, input_); });
    return {augment_prepared(image, input_, training_->augment, random, mirrored),
            dataset_->label(index)};
  }
  auto example = dataset_->get(index);
  example.image =
      training_  ? prepare_for_training(example.image, input_, training_->augment, random, mirrored)
      : prepare_ ? prepare_(example.image, index)
                 : prepare_for_evaluation(example.image, input_);
  return example;
}

Batch ImageCollate::operator()(const std::vector<int64_t>& indices, const Place& place,
                               BadSamples& bad) const {
  const auto count = static_cast<int64_t>(indices.size());
  const bool augmented = training_ && !training_->augment.no_aug;
  const auto seed = static_cast<uint64_t>(training_ ? training_->seed : 0);
  const auto epoch = static_cast<uint64_t>(place.epoch);
  auto pixels = torch::empty({count, input_.height, input_.width, input_.channels});  // NHWC
  auto labels = torch::empty({count}, torch::kInt64);
  auto* out = pixels.data_ptr<float>();
  auto* label = labels.data_ptr<int64_t>();
  Batch batch;
  for (size_t row = 0; row < indices.size(); ++row) {
    const int64_t index = indices[row];
    Example example;
    Random random(
        seed, epoch,
        training_ && training_->balanced ? place.item(row) : static_cast<uint64_t>(index));
    if (!bad.guard([&] { example = prepared_example(index, place.epoch, random); })) continue;
    normalize(example.image, input_, out);
    if (augmented) random_erase(out, input_, training_->augment.reprob, random);
    out += input_.height * input_.width * input_.channels;
    *label++ = example.label;
    batch.indices.push_back(index);
  }
  const int64_t kept = batch.size();
  const auto images = pixels.narrow(0, 0, kept).permute({0, 3, 1, 2});  // [B,C,H,W]
  batch.tensors[kPixelValues] = input_.channels == 1 ? images.contiguous() : images;
  batch.tensors[kLabels] = labels.narrow(0, 0, kept);
  if (augmented && kept > 1) {
    Random random(seed ^ kMixStream, epoch, static_cast<uint64_t>(place.batch));
    mix(batch, training_->augment, static_cast<int64_t>(dataset_->classes().size()),
        training_->label_smoothing, random);
  }
  return batch;
}

torch::Tensor stack_images(const std::vector<io::Image>& images, const InputConfig& input) {
  auto pixels = torch::empty(
      {static_cast<int64_t>(images.size()), input.height, input.width, input.channels});
  auto* out = pixels.data_ptr<float>();
  for (const auto& image : images) {
    normalize(prepare_for_evaluation(image, input), input, out);
    out += input.height * input.width * input.channels;
  }
  return pixels.permute({0, 3, 1, 2});
}

std::unique_ptr<Loader> make_image_loader(const DatasetPtr& dataset,
                                          const ImageLoaderOptions& options) {
  const int64_t count = dataset->size();
  const LoaderOptions loading{.workers = options.workers, .on_bad_sample = options.on_bad_sample};
  if (!options.training)
    return std::make_unique<Loader>(std::make_shared<ImageCollate>(dataset, options.input),
                                    std::make_unique<Sequential>(count, options.batch_size),
                                    loading);
  const auto& training = *options.training;
  std::unique_ptr<const Sampler> sampler;
  if (training.balanced)
    sampler =
        std::make_unique<ClassBalanced>(labels_of(*dataset), options.batch_size, training.seed);
  else
    sampler = std::make_unique<Shuffled>(count, options.batch_size, training.seed);
  return std::make_unique<Loader>(std::make_shared<ImageCollate>(dataset, options.input, training),
                                  std::move(sampler), loading);
}

}  // namespace braid::data
