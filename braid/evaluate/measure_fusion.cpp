#include "braid/evaluate/image/fusion.h"
#include "braid/evaluate/metrics.h"
#include "braid/evaluate/study.h"

namespace braid::evaluate {
namespace {

// Chosen by validation accuracy, so that the test images choose nothing; null: none was measured.
Json best_of(const Json& models, const std::string& family) {
  Json best;
  for (const auto& model : models)
    if (model.at("family") == family && model.at("top1").is_number() &&
        (best.is_null() || model.at("val_top1") > best.at("val_top1")))
      best = model;
  return best;
}

Json accuracy_of(const torch::Tensor& probabilities, const torch::Tensor& labels) {
  const Metrics m = compute_metrics(probabilities, labels);
  return {{"top1", m.top1}, {"top1_interval", {m.top1_low, m.top1_high}}};
}

Json distillation(const Study& study, const ModelFacts& student, const Json& teacher,
                  int64_t seed) {
  const Run run{.model = student.name,
                .seed = seed,
                .teacher = teacher.at("name").get<std::string>(),
                .teacher_checkpoint = teacher.at("checkpoint").get<std::string>(),
                .teacher_macs = teacher.at("macs").get<int64_t>()};
  const Json trained = train_unit(study, run, student);
  const Json evaluated = evaluate_unit(study, run, trained);
  Json out = {{"top1", evaluated.at("top1")},
              {"top1_interval", evaluated.at("top1_interval")},
              {"params", student.params},
              {"macs", student.macs}};
  const Json latency = latency_unit(study, run, trained);
  out["latency_ms_p50"] = latency.at("latency_ms_p50");
  out["latency_ms_p95"] = latency.at("latency_ms_p95");
  out["checkpoint"] = trained.at("checkpoint");
  return out;
}

}  // namespace

Json measure_fusion(const Study& study, const std::vector<ModelFacts>& facts, const Json& models) {
  const Json cnn = best_of(models, "cnn"), transformer = best_of(models, "transformer");
  if (cnn.is_null() || transformer.is_null()) return nullptr;
  const auto run_of = [](const Json& model) {
    return Run{.model = model.at("name").get<std::string>(),
               .seed = model.at("best_seed").get<int64_t>()};
  };
  const Scores a = kept_scores(study, run_of(cnn)), b = kept_scores(study, run_of(transformer));
  const Overlap overlap = error_overlap(a.probabilities, b.probabilities, a.labels);
  Json late = accuracy_of(late_fusion(a.probabilities, b.probabilities), a.labels);
  // Both run, one after the other.
  for (const char* cost : {"params", "macs", "latency_ms_p50", "latency_ms_p95"})
    late[cost] = Json(cnn.at(cost).get<double>() + transformer.at(cost).get<double>());
  const Json hybrid = best_of(models, "hybrid");
  Json fusion = {{"cnn", cnn.at("name")},
                 {"transformer", transformer.at("name")},
                 {"hybrid", hybrid.is_null() ? Json(nullptr) : hybrid.at("name")},
                 {"late_fusion", late},
                 {"distillation", nullptr},
                 {"oracle_top1", overlap.oracle()},
                 {"overlap",
                  {{"both_right", overlap.both_right},
                   {"only_cnn_right", overlap.only_a_right},
                   {"only_transformer_right", overlap.only_b_right},
                   {"both_wrong", overlap.both_wrong}}}};
  if (study.config.distill)
    for (const auto& student : facts)
      if (student.name == transformer.at("name"))
        fusion["distillation"] =
            distillation(study, student, cnn, transformer.at("best_seed").get<int64_t>());
  return fusion;
}

}  // namespace braid::evaluate
