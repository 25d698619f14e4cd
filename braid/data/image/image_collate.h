// Batches of images: decoded, augmented, normalized, stacked, mixed.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "braid/data/collate.h"
#include "braid/data/dataset.h"
#include "braid/data/image/prepared_images.h"
#include "braid/data/image/transforms.h"
#include "braid/data/loader.h"

namespace braid::data {

// What only training does to images.
struct TrainingImages {
  AugmentConfig augment;
  double label_smoothing = 0;  // folded into soft labels by mixup and cutmix
  int64_t seed = 0;            // of everything that is drawn
  // An epoch holds every class as often (data/sampler.h's ClassBalanced), and so some images
  // several times, each time augmented anew.
  bool balanced = false;
};

class ImageCollate final : public Collate {
 public:
  // From an image and its position to the bytes of the model's input, [H,W,C].
  using Prepare = std::function<io::Image(const io::Image& image, int64_t index)>;

  // As evaluation sees images. prepare: in place of prepare_for_evaluation.
  ImageCollate(DatasetPtr dataset, InputConfig input, Prepare prepare = {});
  // As training does. Throws ConfigError for a wrong augmentation.
  ImageCollate(DatasetPtr dataset, InputConfig input, TrainingImages training);

  // pixel_values [B,C,H,W] float32, normalized, channels-last where C > 1; labels [B] int64;
  // soft_labels [B,K] float32 with mixup or cutmix.
  Batch operator()(const std::vector<int64_t>& indices, const Place& place,
                   BadSamples& bad) const override;

 private:
  Example prepared_example(int64_t index, int64_t epoch, Random& random) const;

  DatasetPtr dataset_;
  InputConfig input_;
  Prepare prepare_;
  std::optional<TrainingImages> training_;
  std::unique_ptr<PreparedImages> kept_;  // of training without random crops
};

// Images as evaluation sees them: [N,C,H,W] float32.
torch::Tensor stack_images(const std::vector<io::Image>& images, const InputConfig& input);

struct ImageLoaderOptions {
  int64_t batch_size = 128;
  int64_t workers = 2;                  // threads; 0: load in next()
  std::string on_bad_sample = "error";  // error, skip
  InputConfig input;
  std::optional<TrainingImages> training = {};  // unset: in order, not augmented
};
std::unique_ptr<Loader> make_image_loader(const DatasetPtr& dataset,
                                          const ImageLoaderOptions& options);

}  // namespace braid::data
