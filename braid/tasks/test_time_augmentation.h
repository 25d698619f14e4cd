// Test-time augmentation: the mean of a model's logits for several views of each image.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "braid/core/config.h"
#include "braid/core/progress.h"
#include "braid/data/dataset.h"
#include "braid/data/image/image_collate.h"
#include "braid/models/vision/image_model.h"
#include "braid/tasks/inference.h"
#include "braid/tasks/predictor.h"
#include "braid/tasks/task.h"
#include "braid/torch.h"

namespace braid::tasks {

inline constexpr const char* kNoViews = "none";

// What evaluation shows of an image.
struct ViewOptions {
  std::string tta = kNoViews;
  std::optional<double> crop_pct;
  void visit(FieldVisitor& v);
  bool any() const { return tta != kNoViews || crop_pct; }
};

// Throws UsageError where there are any: those are of images, and the model is of this kind.
void expect_no_views(const ViewOptions& options, std::string_view kind);

// mirror and mirror_translate are cifar10-airbench's (the image and its mirror image; also both
// moved by a 32nd of the side towards two corners, which count half), five_crop and ten_crop
// torchvision's (the corners and the centre of the image as it is resized; also of its mirror
// image).
class Views {
 public:
  using Logits = std::function<torch::Tensor(const torch::Tensor& x)>;  // [B,C,H,W] -> [B,K]

  // input: the model's. Throws ConfigError for crops where crop_pct or crop_mode leave nothing
  // around the centre.
  Views(const ViewOptions& options, const data::InputConfig& input);
  const std::string& name() const { return name_; }
  int64_t count() const;                                     // forward passes per image
  const data::InputConfig& input() const { return input_; }  // with the options' crop_pct

  // The images ready for logits(): [N,C,H,W], of crops [N,C,V*H,W].
  torch::Tensor stack(const std::vector<io::Image>& images) const;
  // The same from a data set, in its order.
  std::unique_ptr<data::Loader> loader(const data::DatasetPtr& dataset,
                                       const EvaluateOptions& options) const;
  // [N,K], of what stack() or the loader gave.
  torch::Tensor logits(const Logits& forward, const torch::Tensor& pixels) const;

 private:
  bool are_crops() const;
  data::InputConfig stacked_input() const;
  io::Image crops(const io::Image& image) const;

  std::string name_;
  data::InputConfig input_;
};

// As the predictor's own, of the views of the images.
torch::Tensor probabilities(const Predictor& predictor, const Views& views,
                            const std::vector<io::Image>& images);

// As run_dataset(), through the views.
int64_t run_views(models::ImageModel& model, const data::DatasetPtr& dataset, const Views& views,
                  const EvaluateOptions& options, Progress& progress, const SeeLogits& see);

}  // namespace braid::tasks
