#include "braid/evaluate/compare.h"

#include <ATen/Parallel.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/utsname.h>
#include <torch/version.h>

#include <algorithm>
#include <ctime>
#include <thread>
#include <utility>

#include "braid/core/cpu.h"
#include "braid/core/error.h"
#include "braid/core/near_match.h"
#include "braid/core/version.h"
#include "braid/evaluate/announce.h"
#include "braid/evaluate/auto_choice.h"
#include "braid/evaluate/deploy_target.h"
#include "braid/evaluate/experiment.h"
#include "braid/evaluate/folds.h"
#include "braid/evaluate/make_workload.h"
#include "braid/evaluate/recommend.h"
#include "braid/evaluate/report_html.h"
#include "braid/evaluate/rounds.h"
#include "braid/evaluate/run_training.h"
#include "braid/evaluate/sample_efficiency.h"
#include "braid/evaluate/starting_point.h"
#include "braid/io/atomic_file.h"
#include "braid/io/posix_file.h"
#include "braid/runtime/autocast.h"
#include "braid/runtime/device.h"
#include "braid/runtime/peak_flops.h"
#include "braid/runtime/process.h"
#include "braid/tasks/class_balance.h"
#include "braid/tasks/class_names.h"

namespace braid::evaluate {
namespace {

namespace fs = std::filesystem;

// The page and the results; each run proves its own room.
constexpr uint64_t kReportBytes = 8 << 20;
constexpr const char* kWinner = "winner";  // the recommended checkpoint's folder
// Of a comparison that chooses its models itself and has rounds to find the best.
constexpr size_t kSizesPerFamily = 2, kCandidates = 6;

// Throws UsageError where --skip names what this task does not measure.
void check_skip(const CompareConfig& config, const Workload& workload, Progress& progress) {
  std::vector<std::string> known;
  for (const auto& probe : workload.probes(progress)) known.push_back(probe->name());
  known.push_back(SampleEfficiencyProbe::kName);
  for (const auto& part : config.skip)
    if (std::find(known.begin(), known.end(), part) == known.end())
      throw UsageError("compare",
                       fmt::format("expected a part of {}, got '{}'", fmt::join(known, ", "), part),
                       "--skip", did_you_mean(part, known));
}

// The same folder however it was typed: photos, photos/, ./photos.
std::string data_of(const CompareConfig& c) {
  const auto path = fs::path(c.data).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).string();
}

// Nothing where the models stay with LibTorch. Throws UsageError or ConfigError, before anything is
// trained, where they cannot ship so.
std::optional<DeployTarget> target_of(const CompareConfig& config, const Workload& workload) {
  if (config.deploy == kNotDeployed) return std::nullopt;
  auto target = deploy_target(config.deploy);
  workload.check_deploy(target);
  check_engine(target);
  return target;
}

// Everything that a kept part depends on, beyond its own name: models and seeds can be added to a
// comparison that is done.
Json settings_of(const CompareConfig& c, const Workload& workload) {
  const auto& data = workload.data();
  Json settings = {{"task", workload.task()},
                   {"data", data_of(c)},
                   {"classes", data.classes},
                   {"train", data.train},
                   {"val", data.val},
                   {"test", data.test},
                   {"test_split", data.test_split},
                   {"budget", c.budget},
                   {"seed", c.seed},
                   {"batch_size", c.batch_size ? Json(*c.batch_size) : Json(nullptr)},
                   {"dtype", c.dtype},
                   {"device", c.device},
                   {"on_bad_sample", c.on_bad_sample},
                   {"val_fraction", c.val_fraction}};
  if (c.folds > 1) settings["folds"] = c.folds;
  if (c.budget.starts_with("total=")) settings["shares"] = 1;  // runs are named by theirs
  if (c.class_weights != tasks::kNoClassWeights) settings["class_weights"] = c.class_weights;
  if (c.threads != 0) settings["threads"] = c.threads;
  if (c.latency_seconds != CompareConfig().latency_seconds)
    settings["latency_seconds"] = c.latency_seconds;
  if (c.sampler != tasks::kRandomSampler) settings["sampler"] = c.sampler;
  settings.update(workload.settings());
  return settings;
}

MachineSummary describe_machine(const CompareConfig& c) {
  utsname system{};
  uname(&system);
  const auto device = runtime::resolve_device(c.device);
  return {.cpu = cpu_model(),
          .cores = static_cast<int64_t>(std::thread::hardware_concurrency()),
          .threads = at::get_num_threads(),
          .memory_bytes = memory_bytes(),
          .device = device.str(),
          .dtype = runtime::resolve_dtype(c.dtype, device.type()),
          .peak_flops = std::nullopt,
          .torch_version = TORCH_VERSION,
          .os = fmt::format("{} {}", system.sysname, system.release)};
}

// The recommended model's checkpoint beside the report, and what ships of it.
void copy_winner(const CompareConfig& config, const ModelResult& model, Recommendation& chosen) {
  const fs::path winner = fs::path(config.output) / kWinner;
  io::replace_folder(winner, [&](const fs::path& fresh) {
    for (const auto& entry : fs::directory_iterator(*model.checkpoint))
      copy_shipped(entry.path(), fresh);
    if (model.deployed && model.deployed->file) copy_shipped(*model.deployed->file, fresh);
  });
  chosen.checkpoint = winner.string();
  if (model.deployed && model.deployed->file)
    chosen.file = (winner / fs::path(*model.deployed->file).filename()).string();
}

// Runs one model's part of the work; false, and a line in `failures` and on the screen, when it
// fails. An interruption is no failure.
bool attempt(const Experiment& experiment, const std::string& model, std::vector<Failure>& failures,
             const std::function<void()>& work) {
  const auto failure = failure_of(model, work);
  if (!failure) return true;
  if (experiment.stop.stop_requested()) std::rethrow_exception(failure->error);
  experiment.progress.line(model + " failed: " + failure->message);
  failures.push_back(*failure);
  return false;
}

// Under a budget of time: the models' runs of one seed and fold after those of another, then those
// of each part of the data. Only those of one group are in memory at once. failed_parts: gets the
// latter's failures by run_name(), which the model's own part of the work reports.
void train_by_turns(const Experiment& experiment, const std::vector<ModelProfile>& profiles,
                    std::vector<Failure>& failures, std::vector<Failure>& failed_parts) {
  const auto& c = experiment.config;
  std::vector<Failure> on_parts;  // by the model's name
  const auto has_failed = [](const std::vector<Failure>& list, const std::string& model) {
    return std::any_of(list.begin(), list.end(), [&](const auto& f) { return f.what == model; });
  };
  // The k-th runs of the models that did not fail.
  const auto group = [&](size_t k) {
    std::vector<Contestant> contestants;
    for (const auto& profile : profiles)
      if (!has_failed(failures, profile.name) && !has_failed(on_parts, profile.name))
        contestants.push_back({runs_of(experiment, profile.name).at(k), &profile});
    return contestants;
  };
  for (size_t k = 0; k < static_cast<size_t>(c.seeds * c.folds); ++k)
    train_in_turns(experiment, group(k), failures);
  if (std::find(c.skip.begin(), c.skip.end(), "efficiency") != c.skip.end()) return;
  for (const double fraction : SampleEfficiencyProbe::kFractions) {
    auto part = group(0);
    for (auto& contestant : part) contestant.run.fraction = fraction;
    std::vector<Failure> failed;
    train_in_turns(experiment, part, failed);
    for (auto& failure : failed) {
      on_parts.push_back(failure);
      for (const auto& contestant : part)
        if (contestant.run.model == failure.what) {
          failure.what = run_name(contestant.run);
          failed_parts.push_back(failure);
          break;
        }
    }
  }
}

struct Measured {
  std::vector<ModelResult> models;  // in the order that they were named
  std::optional<FusionResult> fusion;
  std::vector<Failure> failures;
  References references;
};

References measure_references(const Experiment& experiment) {
  constexpr double kShare = 0.1, kMostSeconds = 20;  // of the budget's seconds
  References references;
  if (experiment.work.update("references", references)) return references;
  const bool timed = experiment.budget.kind == BudgetKind::kTime;
  references = experiment.workload.references(
      timed ? std::min(kShare * experiment.budget.value, kMostSeconds) : kMostSeconds,
      experiment.progress);
  experiment.work.keep("references", references);
  return references;
}

// What the machine can do at most; measured once.
struct Peak {
  double flops = 0;
  void visit(FieldVisitor& v) { v.field("flops", flops, ""); }
};

// Fills in that, and the share of it that each training reached.
void compare_with_peak(const Experiment& experiment, Results& results) {
  auto peak = experiment.work.find<Peak>("peak");
  if (!peak) {
    peak = Peak{runtime::measure_peak_flops(runtime::resolve_device(experiment.config.device),
                                            experiment.config.dtype)};
    experiment.work.keep("peak", *peak);
  }
  results.machine.peak_flops = peak->flops;
  for (auto& model : results.models)
    if (model.train_macs && model.train_items_per_s)
      model.peak_share = training_flops(*model.train_macs) * *model.train_items_per_s /
                         *results.machine.peak_flops;
}

Measured measure_all(const Experiment& experiment, const std::optional<DeployTarget>& target) {
  Measured all;
  std::vector<ModelProfile> profiles;
  for (const auto& name : experiment.config.models) {
    const auto taxonomy = experiment.workload.taxonomy(name);
    ModelResult& result = all.models.emplace_back();
    result.name = name;
    result.family = taxonomy.family;
    result.fusion = taxonomy.fusion;
    if (attempt(experiment, name, all.failures, [&] {
          const auto profile = profile_of(experiment, name);
          check_one_step(experiment, profile);
          profiles.push_back(profile);
        }))
      result = describe_model(profiles.back());
    else
      result.error = all.failures.back().message;
  }
  if (!profiles.empty()) announce(experiment, profiles);
  warn_of_short_budget(experiment, profiles);
  std::vector<Failure> failed_parts;
  if (experiment.budget.kind == BudgetKind::kTime)
    train_by_turns(experiment, profiles, all.failures, failed_parts);
  for (auto& result : all.models)
    for (const auto& failure : all.failures)
      if (failure.what == result.name) result.error = failure.message;
  for (auto& result : all.models) {
    if (result.error) continue;
    const auto profile = std::find_if(profiles.begin(), profiles.end(),
                                      [&](const auto& p) { return p.name == result.name; });
    if (!attempt(experiment, result.name, all.failures,
                 [&] { result = measure_model(experiment, *profile, failed_parts, all.failures); }))
      result.error = all.failures.back().message;
    if (result.error || !target) continue;
    if (attempt(experiment, result.name + " for " + target->name, all.failures,
                [&] { deploy_model(experiment, *target, *profile, result); }))
      continue;
    auto& failed = result.deployed.emplace();
    failed.engine = target->name;
    failed.error = all.failures.back().message;
  }
  attempt(experiment, "references", all.failures,
          [&] { all.references = measure_references(experiment); });
  attempt(experiment, "fusion", all.failures,
          [&] { all.fusion = measure_fusion(experiment, profiles, all.models, all.failures); });
  return all;
}

// With how far they are behind the best one, the first of the best as for the recommendation.
std::vector<ModelResult> told_from_best(const FindDifference& difference,
                                        std::vector<ModelResult> models) {
  const ModelResult* best = nullptr;
  for (const auto& model : models)
    if (model.score && (!best || tasks::better(*model.score, *best->score))) best = &model;
  for (auto& model : models)
    if (model.score && &model != best) model.behind_best = difference(best->name, model.name);
  return models;
}

Results results_of(const Experiment& experiment, const Measured& measured,
                   const std::string& command) {
  const auto& config = experiment.config;
  Results results;
  results.braid_version = version();
  results.created = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  results.command = command;
  results.task = experiment.workload.task();
  for (const auto& model : measured.models) {
    if (!model.score || !results.scores.empty()) continue;
    results.score = model.score->name;
    for (const auto& score : model.scores) results.scores.push_back(kind_of(score));
  }
  results.budget = {.kind = to_string(experiment.budget.kind),
                    .value = experiment.budget.value,
                    .text = experiment.budget.text};
  results.prefer = config.prefer;
  if (config.deploy != kNotDeployed) results.deploy = config.deploy;
  for (int64_t k = 0; k < config.seeds; ++k) results.seeds.push_back(config.seed + k);
  results.folds = config.folds;
  results.machine = describe_machine(config);
  results.data = experiment.workload.data();
  for (const auto& model : measured.models)
    results.data.bad_samples = std::max(results.data.bad_samples, model.bad_samples);
  const auto preference = preference_of(config);
  results.references = measured.references.rows;
  const auto difference = differences_of(experiment);
  results.recommendation = recommend(measured.models, preference, results.references, difference);
  const auto models = told_from_best(difference, measured.models);
  for (const size_t i : rank(models, preference, results.recommendation))
    results.models.push_back(models[i]);
  results.fusion = measured.fusion;
  compare_with_peak(experiment, results);
  return results;
}

// Throws UsageError where the task cannot do what is asked for.
void check_task(const CompareConfig& config, const Workload& workload) {
  if (config.folds > 1 && !workload.can_fold())
    throw UsageError("compare",
                     fmt::format("expected 1 for {}, which cannot be divided, got {}",
                                 workload.task(), config.folds),
                     "--folds");
  if (config.distill && !workload.can_distill())
    throw UsageError("compare",
                     "expected a task whose models learn from a teacher, got " + workload.task(),
                     "--distill");
}

// The winner's files, which the recommendation then names, results.json and report.html.
void write_files(const CompareConfig& config, CompareOutcome& outcome) {
  auto& recommendation = outcome.results.recommendation;
  const fs::path output(config.output);
  for (const auto& model : outcome.results.models)
    if (recommendation.model == model.name && model.checkpoint)
      copy_winner(config, model, recommendation);
  if (!recommendation.checkpoint) fs::remove_all(output / kWinner);  // of other limits
  const Json written = braid::to_json(outcome.results);
  io::write_file_atomic(output / "results.json", dump_json(written, 1) + "\n");
  outcome.report = output / "report.html";
  write_report(written, outcome.report);
}

// Whether no model could be measured, for one and the same reason.
bool all_failed_alike(const Measured& measured) {
  const auto& failures = measured.failures;
  return failures.size() == measured.models.size() &&
         std::all_of(measured.models.begin(), measured.models.end(),
                     [](const auto& model) { return model.error.has_value(); }) &&
         std::all_of(failures.begin(), failures.end(),
                     [&](const auto& f) { return f.message == failures[0].message; });
}

}  // namespace

CompareOutcome compare(const CompareConfig& given, const Workload& workload,
                       const std::string& command, std::stop_token stop, Progress& progress) {
  CompareConfig config = given;
  config.models = workload.resolve_models(given.models, given.pretrained);
  validate(config);
  tasks::expect_utf8(workload.data().classes, config.data);
  check_skip(config, workload, progress);
  const auto target = target_of(config, workload);
  check_task(config, workload);
  if (config.budget.starts_with("total"))  // trainings on parts of the data are not in it
    config.skip.emplace_back(SampleEfficiencyProbe::kName);
  runtime::set_threads(config.threads);
  const Budget asked = parse_budget(config.budget);
  const bool total = asked.kind == BudgetKind::kTotal;
  const auto plan_of = [&](size_t candidates) {
    return plan_rounds(asked.value, candidates, config.seeds * config.folds);
  };
  io::check_writable(config.output, kReportBytes);
  const io::FolderLock lock(config.output);
  const Json settings = settings_of(config, workload);
  Experiment experiment{
      .config = config,
      .budget = total ? final_budget(plan_of(kCandidates), plan_of(kCandidates).back().candidates)
                      : asked,
      .workload = workload,
      .work = WorkFolder(fs::path(config.output) / "work", settings),
      .stop = std::move(stop),
      .progress = progress};
  auto chosen = choose_models(experiment, total ? kSizesPerFamily : 1);
  // Fewer candidates than were counted on leave each finalist more time, which larger ones may use.
  if (total && !chosen.models.empty() && chosen.models.size() < kCandidates) {
    const auto plan = plan_of(chosen.models.size());
    experiment.budget = final_budget(plan, plan.back().candidates);
    chosen = choose_models(experiment, kSizesPerFamily);
  }
  for (const auto& line : chosen.left_out) progress.line(line);
  const auto& choices = chosen.models;
  if (!choices.empty()) config.models.clear();
  for (const auto& choice : choices) {
    config.models.push_back(choice.name);
    progress.line(fmt::format("Chosen: {} ({}).", choice.name, choice.reason));
  }
  fetch_weights(config.models, progress);
  Qualification qualified;
  if (total) {
    const auto plan = plan_of(config.models.size());
    qualified = qualify(experiment, settings, config.models, plan,
                        [&](const std::string& name) { return profile_of(experiment, name); });
    config.models = qualified.finalists;
    experiment.budget = final_budget(plan, config.models.size());
  }
  Measured measured = measure_all(experiment, target);
  for (auto& model : measured.models)
    for (const auto& choice : choices)
      if (choice.name == model.name) model.chosen_because = choice.reason;

  CompareOutcome outcome;
  outcome.results = results_of(experiment, measured, command);
  outcome.results.budget = {to_string(asked.kind), asked.value, asked.text};
  outcome.results.rounds = qualified.rounds;
  if (const auto text = rounds_text(qualified.rounds, experiment.budget.value); !text.empty())
    outcome.results.recommendation.reason += " " + text;
  write_files(config, outcome);
  auto failures = qualified.failures;
  failures.insert(failures.end(), measured.failures.begin(), measured.failures.end());
  if (!failures.empty()) {
    if (all_failed_alike(measured)) std::rethrow_exception(measured.failures[0].error);
    outcome.exit_code = failures[0].code;
    outcome.failure = failures[0].what + ": " + failures[0].message;
  }
  return outcome;
}

CompareOutcome compare(const CompareConfig& config, const std::string& command,
                       std::stop_token stop, Progress& progress) {
  validate(config);
  const auto workload = make_workload(config, progress);
  return compare(config, *workload, command, std::move(stop), progress);
}

}  // namespace braid::evaluate
