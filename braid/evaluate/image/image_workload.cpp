#include "braid/evaluate/image/image_workload.h"

#include <fmt/format.h>

#include "braid/data/image/statistics.h"
#include "braid/data/open_dataset.h"
#include "braid/evaluate/class_scores.h"
#include "braid/evaluate/folds.h"
#include "braid/evaluate/image/auto_models.h"
#include "braid/evaluate/image/deploy_images.h"
#include "braid/evaluate/image/look_probe.h"
#include "braid/evaluate/image/mistakes.h"
#include "braid/evaluate/image/references.h"
#include "braid/evaluate/image/robustness.h"
#include "braid/evaluate/robustness_probe.h"
#include "braid/evaluate/run_settings.h"
#include "braid/evaluate/starting_point.h"
#include "braid/evaluate/work_folder.h"
#include "braid/models/registry.h"
#include "braid/models/vision/cost.h"
#include "braid/runtime/device.h"
#include "braid/runtime/eval_scope.h"
#include "braid/tasks/image_data.h"
#include "braid/tasks/image_model.h"
#include "braid/tasks/inference.h"
#include "braid/tasks/make_image_task.h"
#include "braid/tasks/training_rate.h"
#include "braid/train/recipes.h"

namespace braid::evaluate {
namespace {

class ImageInference final : public Inference {
 public:
  ImageInference(models::LoadedModel loaded, const std::string& dtype)
      : loaded_(std::move(loaded)), scope_(*loaded_.model, dtype) {}
  void set_batch(int64_t items) override {
    const auto& input = loaded_.hub.input;
    const auto format =
        input.channels > 1 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
    images_ = torch::randn({items, input.channels, input.height, input.width})
                  .to(scope_.device())
                  .contiguous(format);
  }
  void call() override {
    loaded_.model->forward(images_);
    if (images_.is_cuda()) torch::cuda::synchronize();
  }

 private:
  models::LoadedModel loaded_;
  runtime::EvalScope scope_;
  torch::Tensor images_;  // [B,C,H,W]
};

}  // namespace

ImageWorkload::ImageWorkload(const CompareConfig& config, Progress& progress)
    : config_(config), progress_(progress) {
  // A wrong name is found before the data is read.
  resolve_starting_points(config.models, config.pretrained);
  const data::OpenOptions options{.val_fraction = config.val_fraction,
                                  .source = {.class_order = kept_classes(config.output),
                                             .limits = {.max_pixels = config.max_image_pixels}}};
  folds_ = config.folds > 1 ? data::open_folds(config.data, config.folds, options)
                            : std::vector{data::open_dataset(config.data, options)};
  const auto& first = folds_.front();
  for (const auto& line : tasks::ImageData(first, config.data).remarks()) progress.line(line);
  summary_ = summary_of_folds(folds_);
  summary_.name = config.data;
  summary_.items = "images";
  summary_.channels = first.train->channels();
}

Json ImageWorkload::settings() const {
  return {{"img_size", config_.img_size ? Json(*config_.img_size) : Json(nullptr)},
          {"robustness_images", config_.robustness_images}};
}

std::vector<ModelChoice> ImageWorkload::choose_models(
    const std::function<ModelProfile(const std::string&)>& profile,
    const std::function<double(const ModelProfile&)>& passes, size_t per_family) const {
  return evaluate::choose_models({.side = tasks::image_side(*folds_[0].train),
                                  .train_items = folds_[0].train->size(),
                                  .max_params = config_.max_params,
                                  .max_latency_ms = config_.max_latency_ms,
                                  .per_family = per_family,
                                  .pretrained = config_.pretrained},
                                 profile, passes);
}

ModelProfile ImageWorkload::profile(const std::string& model) const {
  ModelProfile profile{.name = model, .taxonomy = taxonomy(model), .input_size = {}};
  const Run run{.model = model, .seed = config_.seed};
  const Part& part = part_of(run);
  auto task = task_config(run);
  task.image.whiten_stem = false;  // takes long, and changes no figure
  auto made = tasks::make_image_model(task, part.splits,
                                      {.seed = run.seed, .statistics = part.statistics}, progress_);
  made.model->to(runtime::resolve_device(config_.device));
  const auto& input = made.hub.input;
  profile.input_size = {input.channels, input.height, input.width};
  const std::vector<int64_t> one = {1, input.channels, input.height, input.width};
  {
    constexpr int64_t kBatch = 32;
    const runtime::EvalScope scope(*made.model, config_.dtype);
    const auto images =
        torch::randn({kBatch, input.channels, input.height, input.width}).to(scope.device());
    profile.forward_items_per_s =
        warm_items_per_s(kBatch, [&] { made.model->forward(images).cpu(); });
  }
  // In the form that is trained, which count_cost folds.
  profile.train_items_per_s =
      tasks::training_rate(*made.model, models::count_macs(*made.model, one), config_.dtype);
  const auto cost = models::count_cost(*made.model, one);
  profile.params = cost.params;
  profile.macs = cost.macs;
  profile.train_macs = cost.train_macs;
  {
    const runtime::EvalScope scope(*made.model, config_.dtype);
    const auto image = torch::zeros(one).to(scope.device());
    profile.latency_ms = least_latency_ms([&] { made.model->forward(image).cpu(); });
  }
  return profile;
}

const ImageWorkload::Part& ImageWorkload::part_of(const Run& run) const {
  const size_t fold = fold_of(run);
  Part& part = parts_[{fold, run.fraction}];
  if (part.statistics) return part;
  part.splits = folds_.at(fold);
  if (run.fraction < 1) {
    part.splits.train = data::sample_fraction(part.splits.train, run.fraction, config_.seed);
    part.splits.val = data::sample_fraction(part.splits.val, run.fraction, config_.seed);
  }
  part.statistics = std::make_shared<data::SharedStatistics>(part.splits.train);
  return part;
}

const data::DatasetPtr& ImageWorkload::test_of(const Run& run) const {
  const auto& splits = folds_.at(fold_of(run));
  return splits.test ? splits.test : splits.val;
}

tasks::TaskConfig ImageWorkload::task_config(const Run& run) const {
  auto config = task_config_of(run, recipe(run), config_);
  config.image.img_size = config_.img_size;
  config.image.max_image_pixels = config_.max_image_pixels;
  return config;
}

train::Recipe ImageWorkload::recipe(const Run& run) const {
  const auto entry = models::find_model(starting_point_of(run.model).architecture);
  auto facts = recipe_facts(run, training_items(run));
  facts.input_size = tasks::input_side(entry, config_.img_size, *folds_[0].train);
  return train::recipe_for(entry, facts);
}

int64_t ImageWorkload::training_items(const Run& run) const {
  return part_of(run).splits.train->size();
}

std::unique_ptr<tasks::Task> ImageWorkload::make_task(const Run& run,
                                                      const std::filesystem::path& checkpoint,
                                                      Progress& progress) const {
  const Part& part = part_of(run);
  return tasks::make_image_task(
      task_config(run), part.splits,
      {.seed = run.seed, .checkpoint = checkpoint, .statistics = part.statistics}, progress);
}

tasks::EvaluateOptions ImageWorkload::options() const {
  return {
      .workers = config_.workers, .dtype = config_.dtype, .on_bad_sample = config_.on_bad_sample};
}

models::LoadedModel ImageWorkload::load(const TrainedRun& run) const {
  auto loaded = models::load_for_inference(run.checkpoint);
  loaded.model->to(runtime::resolve_device(config_.device));
  return loaded;
}

TestResult ImageWorkload::evaluate(const TrainedRun& run, Progress& progress) const {
  auto loaded = load(run);
  const auto& test = test_of(run.run);
  const auto predictions =
      tasks::run_model(*loaded.model, test, loaded.hub.input, options(), progress);
  return test_result(predictions, run, summary_,
                     [&](const ClassScores& scores, const std::vector<int64_t>& indices) {
                       return picture_mistakes(*test, scores, indices);
                     });
}

std::unique_ptr<Inference> ImageWorkload::inference(const TrainedRun& run) const {
  return std::make_unique<ImageInference>(load(run), config_.dtype);
}

std::vector<std::unique_ptr<Probe>> ImageWorkload::probes(Progress& progress) const {
  std::vector<std::unique_ptr<Probe>> probes;
  const auto test = test_of({});
  const RobustnessOptions options{.images = config_.robustness_images,
                                  .seed = config_.seed,
                                  .workers = config_.workers,
                                  .dtype = config_.dtype,
                                  .on_bad_sample = config_.on_bad_sample};
  probes.push_back(std::make_unique<RobustnessProbe>(
      static_cast<double>(sampled_items(options.images, test->size())) * kRobustnessPasses,
      [this, test, options, &progress](const TrainedRun& run) {
        const auto loaded = load(run);
        return measure_robustness(*loaded.model, test, loaded.hub.input, options, progress);
      }));
  probes.push_back(
      std::make_unique<LookProbe>([this](const TrainedRun& run) { return load(run); }, test));
  return probes;
}

Deployed ImageWorkload::deploy(const TrainedRun& run, const DeployTarget& target,
                               const std::filesystem::path& file, Progress& progress) const {
  auto loaded = models::load_for_inference(run.checkpoint);
  return deploy_images(loaded, target,
                       {.splits = part_of(run.run).splits,
                        .test = test_of(run.run),
                        .data = config_.data,
                        .seed = config_.seed,
                        .options = options(),
                        .latency_seconds = config_.latency_seconds},
                       file, progress);
}

References ImageWorkload::references(double seconds, Progress& progress) const {
  return references_of_folds(summary_, folds_.size(), [&](const Run& run, double share) {
    const Part& part = part_of(run);
    return measure_references(part.splits.train, test_of(run), part.statistics->get(),
                              {.seconds = share * seconds,
                               .seed = config_.seed,
                               .workers = config_.workers,
                               .on_bad_sample = config_.on_bad_sample},
                              progress);
  });
}

std::optional<Joined> ImageWorkload::join(const std::vector<TrainedRun>& cnn,
                                          const std::vector<TrainedRun>& transformer) const {
  return evaluate::join(load_scores(cnn), load_scores(transformer));
}

std::optional<torch::Tensor> ImageWorkload::right_items(const TrainedRun& run) const {
  return evaluate::right_items(load_scores({run}));
}

}  // namespace braid::evaluate
