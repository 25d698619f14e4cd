#include "braid/tasks/test_time_augmentation.h"

#include <fmt/format.h>

#include <algorithm>

#include "braid/core/error.h"
#include "braid/data/image/crops.h"
#include "braid/data/sampler.h"
#include "braid/models/registry.h"

namespace braid::tasks {
namespace {

constexpr const char* kMirror = "mirror";
constexpr const char* kMirrorTranslate = "mirror_translate";
constexpr const char* kFiveCrop = "five_crop";
constexpr const char* kTenCrop = "ten_crop";
constexpr int64_t kCrops = 5;            // of an image or of its mirror image
constexpr int64_t kPixelsPerShift = 32;  // of a side

torch::Tensor mirrored(const Views::Logits& forward, const torch::Tensor& x) {
  return 0.5 * forward(x) + 0.5 * forward(x.flip(-1));
}

// Half of it from the image itself, half from the image moved up and left, and down and right.
torch::Tensor mirrored_and_moved(const Views::Logits& forward, const torch::Tensor& x) {
  const int64_t shift = std::max<int64_t>(1, std::min(x.size(2), x.size(3)) / kPixelsPerShift);
  const auto padded = at::reflection_pad2d(x, {shift, shift, shift, shift});
  const auto moved = [&](int64_t by) {
    return mirrored(forward, padded.narrow(2, by, x.size(2)).narrow(3, by, x.size(3)));
  };
  return 0.5 * mirrored(forward, x) + 0.25 * moved(0) + 0.25 * moved(2 * shift);
}

}  // namespace

void ViewOptions::visit(FieldVisitor& v) {
  v.field("tta", tta,
          "test-time augmentation, the mean of several views' logits: of the image and its mirror "
          "image, of both moved too, or of torchvision's crops",
          {.choices = {kNoViews, kMirror, kMirrorTranslate, kFiveCrop, kTenCrop}});
  v.field("crop_pct", crop_pct,
          "images are resized to size / crop_pct before their centre is taken; unset: the model's",
          {.least = 0.05, .most = 2});
}

void expect_no_views(const ViewOptions& options, std::string_view kind) {
  if (!options.any()) return;
  throw UsageError("tta", "expected an image model, got " + models::with_article(kind),
                   options.crop_pct ? "--crop-pct" : "--tta", "leave it out: it is of images");
}

Views::Views(const ViewOptions& options, const data::InputConfig& input)
    : name_(options.tta), input_(input) {
  check_fields(options, "tta");
  if (options.crop_pct) input_.crop_pct = *options.crop_pct;
  if (!are_crops()) return;
  if (input_.crop_mode == "border")
    throw ConfigError("tta", "expected crop_mode center or squash with " + name_ + ", got border",
                      "config.json of the checkpoint");
  if (!(input_.crop_pct < 1))
    throw ConfigError("tta",
                      fmt::format("expected crop_pct below 1 with {}, got {:g}, which leaves "
                                  "nothing around the centre",
                                  name_, input_.crop_pct),
                      "", "--crop-pct 0.875 resizes images to more than the model's size");
}

bool Views::are_crops() const { return name_ == kFiveCrop || name_ == kTenCrop; }

int64_t Views::count() const {
  if (name_ == kMirror) return 2;
  if (name_ == kMirrorTranslate) return 6;
  if (name_ == kFiveCrop) return kCrops;
  return name_ == kTenCrop ? 2 * kCrops : 1;
}

// One below the other, so that all of an image's crops are one image to the loader.
data::InputConfig Views::stacked_input() const {
  auto stacked = input_;
  if (are_crops()) stacked.height *= count();
  return stacked;
}

io::Image Views::crops(const io::Image& image) const {
  return data::prepare_crops(image, input_, name_ == kTenCrop);
}

torch::Tensor Views::stack(const std::vector<io::Image>& images) const {
  if (!are_crops()) return data::stack_images(images, input_);
  std::vector<torch::Tensor> rows;
  for (const auto& image : images) {
    auto pixels = torch::empty({input_.height * count(), input_.width, input_.channels});
    data::normalize(crops(image), input_, pixels.data_ptr<float>());
    rows.push_back(pixels.permute({2, 0, 1}));
  }
  return torch::stack(rows);
}

std::unique_ptr<data::Loader> Views::loader(const data::DatasetPtr& dataset,
                                            const EvaluateOptions& options) const {
  data::ImageCollate::Prepare prepare;
  if (are_crops())
    prepare = [views = *this](const io::Image& image, int64_t) { return views.crops(image); };
  const int64_t batch =
      are_crops() ? std::max<int64_t>(1, options.batch_size / count()) : options.batch_size;
  return std::make_unique<data::Loader>(
      std::make_shared<data::ImageCollate>(dataset, stacked_input(), prepare),
      std::make_unique<data::Sequential>(dataset->size(), batch),
      data::LoaderOptions{.workers = options.workers, .on_bad_sample = options.on_bad_sample});
}

torch::Tensor Views::logits(const Logits& forward, const torch::Tensor& pixels) const {
  if (name_ == kMirror) return mirrored(forward, pixels);
  if (name_ == kMirrorTranslate) return mirrored_and_moved(forward, pixels);
  if (!are_crops()) return forward(pixels);
  const int64_t B = pixels.size(0), C = pixels.size(1), V = count(), W = pixels.size(3);
  const auto views = pixels.reshape({B, C, V, input_.height, W})
                         .transpose(1, 2)
                         .reshape({B * V, C, input_.height, W});
  return forward(views).reshape({B, V, -1}).mean(1);
}

torch::Tensor probabilities(const Predictor& predictor, const Views& views,
                            const std::vector<io::Image>& images) {
  const auto forward = [&](const torch::Tensor& x) {
    return predictor.logits({{{data::kPixelValues, x}}, std::vector<int64_t>(images.size())});
  };
  auto rows = views.logits(forward, views.stack(images)).softmax(1).cpu();
  expect_finite(rows);
  return rows;
}

int64_t run_views(models::ImageModel& model, const data::DatasetPtr& dataset, const Views& views,
                  const EvaluateOptions& options, Progress& progress, const SeeLogits& see) {
  const auto loader = views.loader(dataset, options);
  const auto forward = [&](const data::Batch& batch) {
    return views.logits([&](const torch::Tensor& x) { return model.forward(x); },
                        batch.at(data::kPixelValues));
  };
  return run_all(model, forward, *loader, dataset->size(), options.dtype, progress, see);
}

}  // namespace braid::tasks
