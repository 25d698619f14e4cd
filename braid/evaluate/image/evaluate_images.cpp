#include "braid/evaluate/image/evaluate_images.h"

#include "braid/data/dataset.h"
#include "braid/data/open_dataset.h"
#include "braid/data/sources.h"
#include "braid/data/summary.h"
#include "braid/evaluate/evaluate_classifier.h"
#include "braid/evaluate/latency.h"
#include "braid/evaluate/split_name.h"
#include "braid/runtime/eval_scope.h"
#include "braid/tasks/inference.h"
#include "braid/tasks/predictor.h"

namespace braid::evaluate {
namespace {

ChosenParts<data::DatasetPtr> choose_images(const EvaluateRequest& request,
                                            const std::vector<std::string>& classes,
                                            Progress& progress) {
  check_split_name(request.split);
  const data::SourceOptions source{.class_order = classes, .limits = request.limits};
  const auto splits =
      is_as_trained(request.split)
          ? data::open_dataset(request.data,
                               as_trained(data::OpenOptions{.source = source}, request))
          : data::open_source(request.data, source);
  for (const auto& line : data::remarks_on(splits, request.data)) progress.line(line);
  return choose_parts(splits, request.split, request.data);
}

// One image through all of its views.
class ViewsInference final : public Inference {
 public:
  ViewsInference(models::ImageModel& model, const tasks::Views& views, const std::string& dtype)
      : model_(model), views_(views), scope_(model, dtype) {}
  void set_batch(int64_t items) override {
    const auto& input = views_.input();
    const io::Image gray{
        input.height, input.width, input.channels,
        std::vector<uint8_t>(static_cast<size_t>(input.height * input.width * input.channels),
                             128)};
    pixels_ = views_.stack(std::vector(static_cast<size_t>(items), gray)).to(scope_.device());
  }
  void call() override {
    views_.logits([&](const torch::Tensor& x) { return model_.forward(x); }, pixels_);
    if (pixels_.is_cuda()) torch::cuda::synchronize();
  }

 private:
  models::ImageModel& model_;
  const tasks::Views& views_;
  runtime::EvalScope scope_;
  torch::Tensor pixels_;
};

TestTimeAugmentation cost_of(models::ImageModel& model, const tasks::Views& views,
                             const std::string& dtype) {
  ViewsInference inference(model, views, dtype);
  const auto latency = measure_latency(inference, {.warm_up = 2,
                                                   .min_calls = 10,
                                                   .throughput_batch = 1,
                                                   .throughput_calls = 1,
                                                   .max_seconds = 1});
  return {views.name(), views.count(), latency.p50_ms, latency.p95_ms};
}

}  // namespace

Evaluation evaluate_images(models::LoadedModel& loaded, const EvaluateRequest& request,
                           Progress& progress) {
  tasks::expect_classifier_of_images(loaded);
  const tasks::Views views(request.views, loaded.hub.input);
  const auto chosen = choose_images(request, loaded.hub.classes, progress);
  Evaluation out{.architecture = loaded.hub.architecture,
                 .split = {},
                 .scores = {},
                 .classifier = {},
                 .classes = loaded.hub.classes};
  evaluate_parts(
      chosen, loaded.model->num_classes(), request.data,
      [&](const data::DatasetPtr& part, const tasks::SeeLogits& see) {
        return tasks::run_views(*loaded.model, part, views, request.options, progress, see);
      },
      out);
  if (views.count() > 1) out.tta = cost_of(*loaded.model, views, request.options.dtype);
  return out;
}

}  // namespace braid::evaluate
