#include "braid/evaluate/compare.h"

#include <ATen/Parallel.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/utsname.h>
#include <torch/version.h>

#include <cmath>
#include <ctime>
#include <thread>

#include "braid/core/cpu.h"
#include "braid/core/version.h"
#include "braid/evaluate/recommend.h"
#include "braid/evaluate/report_html.h"
#include "braid/evaluate/study.h"
#include "braid/io/atomic_file.h"
#include "braid/models/registry.h"
#include "braid/runtime/process.h"
#include "braid/train/divergence.h"

namespace braid::evaluate {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kReportBytes = 8
                                  << 20;  // the page and the results; each run proves its own room

// Everything that a kept unit depends on, beyond its own name: models and seeds can be added to a
// comparison that is done.
Json settings_of(const CompareConfig& c, const data::Splits& splits) {
  return {{"data", c.data},
          {"classes", splits.train->classes()},
          {"train_images", splits.train->size()},
          {"val_images", splits.val->size()},
          {"test_images", splits.test ? splits.test->size() : 0},
          {"img_size", c.img_size ? Json(*c.img_size) : Json(nullptr)},
          {"budget", c.budget},
          {"seed", c.seed},
          {"batch_size", c.batch_size ? Json(*c.batch_size) : Json(nullptr)},
          {"dtype", c.dtype},
          {"device", c.device},
          {"on_bad_sample", c.on_bad_sample},
          {"val_fraction", c.val_fraction},
          {"robustness_images", c.robustness_images}};
}

Json machine_json(const CompareConfig& c) {
  utsname system{};
  uname(&system);
  return {{"cpu", cpu_model()},
          {"cores", static_cast<int64_t>(std::thread::hardware_concurrency())},
          {"threads", at::get_num_threads()},
          {"memory_bytes", memory_bytes()},
          {"device", c.device},
          {"dtype", c.dtype},
          {"torch_version", TORCH_VERSION},
          {"os", fmt::format("{} {}", system.sysname, system.release)}};
}

Json data_json(const Study& study, const Json& models) {
  const auto& splits = study.splits;
  Json json = {{"name", study.config.data},           {"classes", splits.train->classes()},
               {"train", splits.train->size()},       {"val", splits.val->size()},
               {"test", study.test->size()},          {"test_split", study.test_split},
               {"channels", splits.train->channels()}};
  int64_t bad = 0;
  for (const auto& model : models) bad = std::max(bad, model.value("bad_samples", int64_t{0}));
  json["bad_samples"] = bad;
  return json;
}

// An item of `models` for one that could not be trained: what is known, and why.
Json failed_model(const ModelFacts& facts, const std::string& error) {
  Json model = {{"name", facts.name},
                {"family", facts.family},
                {"params", facts.params},
                {"macs", facts.macs}};
  for (const char* key :
       {"top1", "top1_interval", "macro_f1", "ece", "train_images_per_s", "latency_ms_p50",
        "latency_ms_p95", "throughput_images_per_s", "peak_memory_bytes", "checkpoint"})
    model[key] = nullptr;
  model["error"] = error;
  return model;
}

std::vector<Candidate> candidates_of(const Json& models) {
  std::vector<Candidate> list;
  for (const auto& model : models) {
    Candidate c{.name = model.at("name").get<std::string>(),
                .measured = model.at("top1").is_number(),
                .params = model.at("params").get<int64_t>()};
    if (c.measured) {
      c.top1 = model.at("top1").get<double>();
      c.top1_low = model.at("top1_interval")[0].get<double>();
      c.top1_high = model.at("top1_interval")[1].get<double>();
      c.latency_ms = model.at("latency_ms_p50").get<double>();
    }
    list.push_back(c);
  }
  return list;
}

// The recommended model's checkpoint beside the report.
fs::path copy_winner(const CompareConfig& config, const std::string& checkpoint) {
  const fs::path winner = fs::path(config.output) / "winner";
  io::replace_folder(winner, [&](const fs::path& fresh) {
    for (const auto& entry : fs::directory_iterator(checkpoint)) {
      const auto bytes = io::read_file(entry.path());
      io::write_file_atomic(fresh / entry.path().filename(),
                            {std::as_bytes(std::span<const uint8_t>(bytes))});
    }
  });
  return winner;
}

std::string duration(double seconds) {
  const auto minutes = static_cast<int64_t>(std::lround(seconds / 60));
  if (minutes <= 1) return "a minute";
  return minutes < 120 ? fmt::format("{} minutes", minutes)
                       : fmt::format("{:.1f} hours", seconds / 3600);
}

// Says what will be trained, and for how long by a rough estimate.
void announce(const Study& study, const std::vector<ModelFacts>& facts) {
  constexpr double kForwardAndBackward = 3;
  const auto& c = study.config;
  const auto runs = [&](const char* part, double when_done) {
    return std::find(c.skip.begin(), c.skip.end(), part) == c.skip.end() ? when_done : 0.0;
  };
  const auto seeds = static_cast<double>(c.seeds);
  const double fractions = runs("efficiency", kFractions[0] + kFractions[1]);
  const double evaluated =  // images
      static_cast<double>(study.splits.val->size()) * (seeds + fractions) +
      static_cast<double>(study.test->size()) *
          (seeds + runs("efficiency", std::size(kFractions))) +
      static_cast<double>(c.robustness_images) * runs("robustness", kRobustnessPasses);
  double seconds = 0;
  for (const auto& f : facts) {
    double one = study.budget.value;
    const double rate = f.forward_images_per_s / kForwardAndBackward;
    if (study.budget.kind == BudgetKind::kEpochs)
      one *= static_cast<double>(study.splits.train->size()) / rate;
    if (study.budget.kind == BudgetKind::kFlops)
      one /= training_flops_per_image(std::max<int64_t>(1, f.macs)) * rate;
    seconds += one * (seeds + fractions) + evaluated / f.forward_images_per_s;
  }
  study.progress.line(
      fmt::format("Comparing {} models on {} ({} training images), {} each: about {} in all.",
                  facts.size(), c.data, study.splits.train->size(), c.budget, duration(seconds)));
}

Study open_study(const CompareConfig& config, std::stop_token stop, Progress& progress) {
  const Budget budget = parse_budget(config.budget);
  io::check_writable(config.output, kReportBytes);
  auto splits = data::open_dataset(config.data, {.val_fraction = config.val_fraction});
  const auto test = splits.test ? splits.test : splits.val;
  WorkFolder work(fs::path(config.output) / "work", settings_of(config, splits));
  auto statistics = std::make_shared<data::SharedStatistics>(splits.train);
  return {config,
          budget,
          std::move(splits),
          std::move(statistics),
          test,
          splits.test ? "test" : "val",
          std::move(work),
          std::move(stop),
          progress};
}

Json sorted_by_rank(const Json& models, const Preference& preference) {
  Json sorted = Json::array();
  for (const size_t i : rank(candidates_of(models), preference)) sorted.push_back(models[i]);
  return sorted;
}

}  // namespace

CompareOutcome compare(const CompareConfig& given, const std::string& command, std::stop_token stop,
                       Progress& progress) {
  CompareConfig config = given;
  config.models = models::resolve_names(given.models);
  validate(config);
  runtime::set_threads(config.threads);
  const Study study = open_study(config, std::move(stop), progress);
  std::vector<ModelFacts> facts;
  for (const auto& model : config.models) facts.push_back(examine(study, model));
  announce(study, facts);

  CompareOutcome outcome;
  Json models = Json::array();
  for (const auto& f : facts) {
    try {
      models.push_back(measure_model(study, f));
    } catch (const train::DivergenceError& e) {
      progress.line(f.name + " failed: " + e.what());
      models.push_back(failed_model(f, e.what()));
      outcome.exit_code = e.code();
      outcome.failure = e.what();
    }
  }
  const Json fusion = measure_fusion(study, facts, models);

  const Preference preference{config.prefer, config.max_latency_ms, config.max_params};
  const auto recommendation = recommend(candidates_of(models), preference);
  Json recommended = {
      {"model", nullptr}, {"reason", recommendation.reason}, {"checkpoint", nullptr}};
  if (recommendation.model) {
    recommended["model"] = *recommendation.model;
    for (const auto& model : models)
      if (model.at("name") == *recommendation.model)
        recommended["checkpoint"] =
            copy_winner(config, model.at("checkpoint").get<std::string>()).string();
  }
  std::vector<int64_t> seeds;
  for (int64_t k = 0; k < config.seeds; ++k) seeds.push_back(config.seed + k);
  outcome.results = {
      {"schema_version", 1},
      {"braid_version", version()},
      {"created", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)))},
      {"command", command},
      {"budget",
       {{"kind", to_string(study.budget.kind)},
        {"value", study.budget.value},
        {"text", study.budget.text}}},
      {"prefer", config.prefer},
      {"seeds", seeds},
      {"machine", machine_json(config)},
      {"data", data_json(study, models)},
      {"recommendation", recommended},
      {"models", sorted_by_rank(models, preference)},
      {"fusion", fusion}};
  const fs::path output(config.output);
  io::write_file_atomic(output / "results.json",
                        outcome.results.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
  outcome.report = output / "report.html";
  write_report(outcome.results, outcome.report);
  return outcome;
}

}  // namespace braid::evaluate
