#include "braid/evaluate/text/text_workload.h"

#include <fmt/format.h>

#include <set>

#include "braid/evaluate/class_scores.h"
#include "braid/evaluate/folds.h"
#include "braid/evaluate/robustness_probe.h"
#include "braid/evaluate/run_settings.h"
#include "braid/evaluate/starting_point.h"
#include "braid/evaluate/text/auto_models.h"
#include "braid/evaluate/text/deploy_texts.h"
#include "braid/evaluate/text/mistakes.h"
#include "braid/evaluate/text/ngram_reference.h"
#include "braid/evaluate/text/text_robustness.h"
#include "braid/evaluate/work_folder.h"
#include "braid/models/macs.h"
#include "braid/models/registry.h"
#include "braid/models/text/text_cost.h"
#include "braid/runtime/device.h"
#include "braid/runtime/eval_scope.h"
#include "braid/tasks/text/text_classifier.h"
#include "braid/tasks/training_rate.h"
#include "braid/train/recipes.h"

namespace braid::evaluate {
namespace {

class TextInference final : public Inference {
 public:
  TextInference(tasks::TokenizedModel classifier, const std::string& dtype)
      : classifier_(std::move(classifier)), scope_(*classifier_.model, dtype) {}
  void set_batch(int64_t items) override {
    input_ = tasks::random_texts(*classifier_.model, items, classifier_.max_length);
  }
  void call() override {
    classifier_.model->forward(input_);
    if (input_.input_ids.is_cuda()) torch::cuda::synchronize();
  }

 private:
  tasks::TokenizedModel classifier_;
  runtime::EvalScope scope_;
  models::TextInput input_;
};

}  // namespace

TextWorkload::TextWorkload(const CompareConfig& config, Progress& progress)
    : config_(config), progress_(progress) {
  // A wrong name is found before the data is read.
  resolve_starting_points(config.models, config.pretrained);
  const data::OpenTextOptions options{.val_fraction = config.val_fraction,
                                      .source = {.class_order = kept_classes(config.output),
                                                 .on_bad_sample = config.on_bad_sample}};
  folds_ = config.folds > 1 ? data::open_text_folds(config.data, config.folds, options)
                            : std::vector{data::open_text_dataset(config.data, options)};
  const auto& first = folds_.front();
  for (const auto& line : tasks::TextData(first, config.data).remarks()) progress.line(line);
  summary_ = summary_of_folds(folds_);
  summary_.name = config.data;
  summary_.items = "texts";
}

Json TextWorkload::settings() const {
  return {{"max_length", config_.max_length ? Json(*config_.max_length) : Json(nullptr)},
          {"tokenizer", config_.tokenizer},
          {"vocab_size", config_.vocab_size},
          {"robustness_items", config_.robustness_images}};
}

std::vector<ModelChoice> TextWorkload::choose_models(
    const std::function<ModelProfile(const std::string&)>& profile,
    const std::function<double(const ModelProfile&)>& passes, size_t per_family) const {
  std::set<std::string> looked_at;  // families
  const auto look_at = [&](const std::string& name) {
    auto made = profile(name);
    looked_at.insert(made.taxonomy.family);
    return made;
  };
  auto chosen = choose_text_models({.train_items = folds_[0].train->size(),
                                    .max_params = config_.max_params,
                                    .max_latency_ms = config_.max_latency_ms,
                                    .per_family = per_family,
                                    .pretrained = config_.pretrained},
                                   look_at, passes);
  if (!config_.pretrained) return chosen;
  for (const auto family :
       {models::Family::kCnn, models::Family::kTransformer, models::Family::kHybrid})
    if (!looked_at.contains(models::to_string(family)))
      progress_.line(fmt::format("Left out: {}, of which no candidate has published weights.",
                                 models::to_string(family)));
  return chosen;
}

ModelProfile TextWorkload::profile(const std::string& model) const {
  constexpr int64_t kBatch = 32;
  const Run run{.model = model, .seed = config_.seed};
  const auto made = part_of(run).make_classifier(task_config(run), run.seed, progress_);
  made.model->to(runtime::resolve_device(config_.device));
  ModelProfile profile{.name = model,
                       .taxonomy = taxonomy(model),
                       .params = models::count_parameters(*made.model),
                       .macs = models::count_macs(*made.model, {1, made.max_length}),
                       .input_size = {made.max_length}};
  profile.train_macs = profile.macs;
  {
    const runtime::EvalScope scope(*made.model, config_.dtype);
    const auto input = tasks::random_texts(*made.model, kBatch, made.max_length);
    profile.forward_items_per_s =
        warm_items_per_s(kBatch, [&] { made.model->forward(input).cpu(); });
    const auto one = tasks::random_texts(*made.model, 1, made.max_length);
    profile.latency_ms = least_latency_ms([&] { made.model->forward(one).cpu(); });
  }
  const int64_t length = tasks::mean_length(*folds_[0].train, *made.tokenizer, made.max_length);
  profile.train_items_per_s = tasks::training_rate(
      *made.model, length, models::count_macs(*made.model, {1, length}), config_.dtype);
  return profile;
}

const tasks::TextData& TextWorkload::part_of(const Run& run) const {
  const size_t fold = fold_of(run);
  auto& part = parts_[{fold, run.fraction}];
  if (part) return *part;
  auto splits = folds_.at(fold);
  if (run.fraction < 1) {
    splits.train = data::sample_fraction(splits.train, run.fraction, config_.seed);
    splits.val = data::sample_fraction(splits.val, run.fraction, config_.seed);
  }
  part = std::make_unique<tasks::TextData>(std::move(splits), config_.data);
  return *part;
}

const data::TextDatasetPtr& TextWorkload::test_of(const Run& run) const {
  const auto& splits = folds_.at(fold_of(run));
  return splits.test ? splits.test : splits.val;
}

tasks::TaskConfig TextWorkload::task_config(const Run& run) const {
  auto config = task_config_of(run, recipe(run), config_);
  config.text.max_length = config_.max_length;
  config.text.tokenizer = config_.tokenizer;
  config.text.vocab_size = config_.vocab_size;
  return config;
}

train::Recipe TextWorkload::recipe(const Run& run) const {
  return train::recipe_for(models::find_model(starting_point_of(run.model).architecture),
                           recipe_facts(run, training_items(run)));
}

int64_t TextWorkload::training_items(const Run& run) const {
  return part_of(run).splits().train->size();
}

std::unique_ptr<tasks::Task> TextWorkload::make_task(const Run& run,
                                                     const std::filesystem::path& checkpoint,
                                                     Progress& progress) const {
  return part_of(run).make_task(task_config(run), {.seed = run.seed, .checkpoint = checkpoint},
                                progress);
}

tasks::EvaluateOptions TextWorkload::options() const {
  return {
      .workers = config_.workers, .dtype = config_.dtype, .on_bad_sample = config_.on_bad_sample};
}

tasks::TokenizedModel TextWorkload::load(const TrainedRun& run) const {
  auto loaded = tasks::load_text_classifier(run.checkpoint);
  loaded.model->to(runtime::resolve_device(config_.device));
  return loaded;
}

TestResult TextWorkload::evaluate(const TrainedRun& run, Progress& progress) const {
  const auto classifier = load(run);
  const auto& test = test_of(run.run);
  const auto predictions = tasks::gather(
      [&](const tasks::SeeLogits& see) {
        return tasks::run_texts(classifier, test, options(), progress, see);
      },
      static_cast<int64_t>(summary_.classes.size()));
  return test_result(predictions, run, summary_,
                     [&](const ClassScores& scores, const std::vector<int64_t>& indices) {
                       return quote_mistakes(*test, scores, indices);
                     });
}

std::unique_ptr<Inference> TextWorkload::inference(const TrainedRun& run) const {
  return std::make_unique<TextInference>(load(run), config_.dtype);
}

std::vector<std::unique_ptr<Probe>> TextWorkload::probes(Progress& progress) const {
  std::vector<std::unique_ptr<Probe>> probes;
  const auto test = test_of({});
  const TextRobustnessOptions of_texts{
      .texts = config_.robustness_images, .seed = config_.seed, .evaluate = options()};
  probes.push_back(std::make_unique<RobustnessProbe>(
      static_cast<double>(sampled_items(of_texts.texts, test->size())) * text_robustness_passes(),
      [this, test, of_texts, &progress](const TrainedRun& run) {
        return measure_text_robustness(load(run), test, of_texts, progress);
      }));
  return probes;
}

Deployed TextWorkload::deploy(const TrainedRun& run, const DeployTarget& target,
                              const std::filesystem::path& file, Progress& progress) const {
  return deploy_texts(tasks::load_text_classifier(run.checkpoint), run.checkpoint, target,
                      {.splits = part_of(run.run).splits(),
                       .test = test_of(run.run),
                       .data = config_.data,
                       .seed = config_.seed,
                       .options = options(),
                       .latency_seconds = config_.latency_seconds},
                      file, progress);
}

References TextWorkload::references(double seconds, Progress& progress) const {
  return references_of_folds(summary_, folds_.size(), [&](const Run& run, double share) {
    return measure_text_references(
        part_of(run).splits().train, test_of(run),
        {.seconds = share * seconds, .seed = config_.seed, .on_bad_sample = config_.on_bad_sample},
        progress);
  });
}

std::optional<Joined> TextWorkload::join(const std::vector<TrainedRun>& cnn,
                                         const std::vector<TrainedRun>& transformer) const {
  return evaluate::join(load_scores(cnn), load_scores(transformer));
}

std::optional<torch::Tensor> TextWorkload::right_items(const TrainedRun& run) const {
  return evaluate::right_items(load_scores({run}));
}

}  // namespace braid::evaluate
