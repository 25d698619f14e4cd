#include "braid/evaluate/text/translation_workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "braid/core/error.h"
#include "braid/data/random.h"
#include "braid/evaluate/budget.h"
#include "braid/evaluate/robustness_probe.h"
#include "braid/evaluate/run_settings.h"
#include "braid/evaluate/starting_point.h"
#include "braid/evaluate/text/auto_models.h"
#include "braid/evaluate/text/deploy_translator.h"
#include "braid/evaluate/text/text_robustness.h"
#include "braid/evaluate/text/translation_calls.h"
#include "braid/evaluate/text/translation_references.h"
#include "braid/evaluate/text/translation_robustness.h"
#include "braid/models/macs.h"
#include "braid/models/registry.h"
#include "braid/runtime/device.h"
#include "braid/tasks/class_balance.h"
#include "braid/tasks/text/translation_scores.h"

namespace braid::evaluate {
namespace {

// A model that has learned little writes on to the end; a good translation is not that long.
constexpr double kLengthFactor = 2;

// At least one pair, in their order.
data::ParallelTextPtr sample_fraction(const data::ParallelTextPtr& pairs, double fraction,
                                      int64_t seed) {
  std::vector<int64_t> places(static_cast<size_t>(pairs->size()));
  std::iota(places.begin(), places.end(), int64_t{0});
  data::Random(static_cast<uint64_t>(seed)).shuffle(places);
  const auto count = static_cast<size_t>(
      std::max<int64_t>(1, std::llround(fraction * static_cast<double>(pairs->size()))));
  places.resize(std::min(places.size(), count));
  std::sort(places.begin(), places.end());
  return pairs->subset(places);
}

// A translation is a pass of the decoder for each of its tokens: a fifth of what others measure.
int64_t pairs_of(int64_t robustness_items) { return (robustness_items + 4) / 5; }

}  // namespace

TranslationWorkload::TranslationWorkload(const CompareConfig& config, Progress& progress)
    : config_(config), progress_(progress) {
  // A wrong name is found before the data is read.
  resolve_starting_points(config.models, config.pretrained);
  if (parse_budget(config.budget).kind == BudgetKind::kFlops)
    throw UsageError("compare", "expected time, total or epochs for translation, got FLOPs",
                     "--budget " + config.budget, "for example --budget time=10m");
  if (config.class_weights != tasks::kNoClassWeights)
    throw UsageError("compare", "expected none for translation, which has no classes",
                     "--class-weights " + config.class_weights);
  if (config.sampler != tasks::kRandomSampler)
    throw UsageError("compare", "expected random for translation, which has no classes",
                     "--sampler " + config.sampler);
  splits_ = data::open_parallel_text(config.data, {.source_lang = config.source_lang,
                                                   .target_lang = config.target_lang,
                                                   .val_fraction = config.val_fraction});
  if (!splits_.train)
    throw DataError("compare", "expected pairs to learn from, got no train split", config.data);
  for (const auto& line : splits_.remarks) progress.line(line);
  test_ = splits_.test() ? splits_.test() : splits_.val;
  if (splits_.tests.size() > 1)
    progress.line(fmt::format("Of {} tests: {}.", splits_.tests.size(), splits_.tests[0].first));
  summary_.name = config.data;
  summary_.items = "pairs";
  summary_.train = splits_.train->size();
  summary_.val = splits_.val->size();
  summary_.test = test_->size();
  summary_.test_split = splits_.test() ? "test" : "val";
}

Json TranslationWorkload::settings() const {
  return {{"max_length", config_.max_length ? Json(*config_.max_length) : Json(nullptr)},
          {"tokenizer", config_.tokenizer},
          {"vocab_size", config_.vocab_size},
          {"source_lang", splits_.source_lang},
          {"target_lang", splits_.target_lang},
          {"robustness_items", config_.robustness_images}};
}

std::vector<ModelChoice> TranslationWorkload::choose_models(
    const std::function<ModelProfile(const std::string&)>& profile,
    const std::function<double(const ModelProfile&)>& passes, size_t per_family) const {
  return choose_translation_models({.train_items = splits_.train->size(),
                                    .max_params = config_.max_params,
                                    .max_latency_ms = config_.max_latency_ms,
                                    .per_family = per_family,
                                    .pretrained = config_.pretrained},
                                   profile, passes);
}

ModelProfile TranslationWorkload::profile(const std::string& model) const {
  const Run run{.model = model, .seed = config_.seed};
  auto translator = part_of(run).make_translator(task_config(run), run.seed, progress_);
  translator.model->to(runtime::resolve_device(config_.device));
  const auto batch = tasks::some_pairs(translator, *splits_.train);
  const auto pairs = std::max<int64_t>(1, batch.size());
  ModelProfile profile{.name = model,
                       .taxonomy = taxonomy(model),
                       .params = models::count_parameters(*translator.model),
                       .input_size = {batch.at(data::kInputIds).size(1)}};
  profile.macs = models::count_macs([&] {
                   const torch::NoGradGuard no_grad;
                   tasks::sequence_loss(*translator.model, batch, 0);
                 }) /
                 pairs;
  profile.train_macs = profile.macs;
  profile.train_items_per_s = tasks::pairs_per_second(translator, batch, config_.dtype);
  // A pass of the decoder for each token: about what its training costs.
  profile.forward_items_per_s = profile.train_items_per_s;
  return profile;
}

const tasks::TranslationData& TranslationWorkload::part_of(const Run& run) const {
  auto& part = parts_[run.fraction];
  if (part) return *part;
  auto splits = splits_;
  splits.remarks.clear();  // said
  if (run.fraction < 1) {
    splits.train = sample_fraction(splits.train, run.fraction, config_.seed);
    splits.val = sample_fraction(splits.val, run.fraction, config_.seed);
  }
  part = std::make_unique<tasks::TranslationData>(std::move(splits), config_.data);
  return *part;
}

tasks::TaskConfig TranslationWorkload::task_config(const Run& run) const {
  auto config = task_config_of(run, recipe(run), config_);
  config.task = task();
  config.text.max_length = config_.max_length;
  config.text.tokenizer = config_.tokenizer;
  config.text.vocab_size = config_.vocab_size;
  config.translation.source_lang = splits_.source_lang;
  config.translation.target_lang = splits_.target_lang;
  if (config_.batch_size) config.translation.max_tokens = 0;
  return config;
}

train::Recipe TranslationWorkload::recipe(const Run& run) const {
  return train::recipe_for(models::find_model(starting_point_of(run.model).architecture),
                           recipe_facts(run, training_items(run)));
}

int64_t TranslationWorkload::training_items(const Run& run) const {
  return part_of(run).splits().train->size();
}

std::unique_ptr<tasks::Task> TranslationWorkload::make_task(const Run& run,
                                                            const std::filesystem::path& checkpoint,
                                                            Progress& progress) const {
  return part_of(run).make_task(task_config(run), {.seed = run.seed, .checkpoint = checkpoint},
                                progress);
}

tasks::Translator TranslationWorkload::load(const TrainedRun& run) const {
  auto translator = tasks::load_translator(run.checkpoint);
  translator.generation.num_return_sequences = 1;
  translator.model->to(runtime::resolve_device(config_.device));
  return translator;
}

TestResult TranslationWorkload::evaluate(const TrainedRun& run, Progress& progress) const {
  const auto translator = load(run);
  const auto collate =
      std::make_shared<data::ParallelCollate>(test_, translator.tokenizer, translator.format);
  collate->prepare(at::get_num_threads());
  const auto result =
      tasks::score_translations(translator, test_, collate,
                                {.evaluate = {.workers = config_.workers,
                                              .dtype = config_.dtype,
                                              .on_bad_sample = config_.on_bad_sample},
                                 .decoded_pairs = test_->size(),
                                 .max_length_factor = kLengthFactor},
                                progress);
  return {.scores = result.scores,
          .count = result.pairs,
          .bad_samples = result.unread,
          .confusion = std::nullopt,
          .misclassified = {}};
}

std::unique_ptr<Inference> TranslationWorkload::inference(const TrainedRun& run) const {
  const auto translator = std::make_shared<tasks::Translator>(load(run));
  const auto translate = [translator, dtype = config_.dtype](const auto& sources) {
    tasks::translate(*translator, sources, {.dtype = dtype, .max_length_factor = kLengthFactor});
  };
  return std::make_unique<TranslationCalls>(test_, translate);
}

void TranslationWorkload::check_deploy(const DeployTarget& target) const {
  check_translator_target(target);
}

std::string TranslationWorkload::deployed_name(const DeployTarget& target) const {
  return target.int8 ? "model.int8" : "model";
}

Deployed TranslationWorkload::deploy(const TrainedRun& run, const DeployTarget& target,
                                     const std::filesystem::path& file, Progress& progress) const {
  return deploy_translator(run.checkpoint, target,
                           {.train = part_of(run.run).splits().train,
                            .val = part_of(run.run).splits().val,
                            .test = test_,
                            .data = config_.data,
                            .seed = config_.seed,
                            .on_bad_sample = config_.on_bad_sample,
                            .max_length_factor = kLengthFactor,
                            .latency_seconds = config_.latency_seconds},
                           file, progress);
}

std::vector<std::unique_ptr<Probe>> TranslationWorkload::probes(Progress& progress) const {
  std::vector<std::unique_ptr<Probe>> probes;
  const TranslationRobustnessOptions options{.pairs = pairs_of(config_.robustness_images),
                                             .seed = config_.seed,
                                             .dtype = config_.dtype,
                                             .max_length_factor = kLengthFactor};
  probes.push_back(std::make_unique<RobustnessProbe>(
      static_cast<double>(sampled_items(options.pairs, test_->size())) * text_robustness_passes(),
      [this, options, &progress](const TrainedRun& run) {
        return measure_translation_robustness(load(run), test_, options, progress);
      }));
  return probes;
}

References TranslationWorkload::references(double seconds, Progress& progress) const {
  return measure_translation_references(*splits_.train, *test_, seconds, progress);
}

}  // namespace braid::evaluate
