#include "braid/evaluate/evaluation.h"

namespace braid::evaluate {

Json to_json(const Evaluation& e) {
  Json json = {{"split", e.split}, {"count", e.count}};
  if (e.classifier) {
    const auto& m = *e.classifier;
    json.update({{"top1", m.top1},
                 {"top1_interval", {m.top1_low, m.top1_high}},
                 {"top5", m.top5},
                 {"macro_f1", m.macro_f1},
                 {"ece", m.ece},
                 {"loss", m.nll}});
  } else {
    for (const auto& score : e.scores) {
      json[score.name] = score.value;
      if (score.low) json[score.name + "_interval"] = {*score.low, *score.high};
    }
    if (!e.signatures.empty()) json["signatures"] = e.signatures;
  }
  json[e.items + "_per_s"] = e.items_per_s;
  json["bad_samples"] = e.bad_samples;
  if (e.cut.of > 0) json["cut"] = {{e.cut.items, e.cut.count}, {"max_length", e.cut.max_length}};
  if (e.tta)
    json["tta"] = {{"name", e.tta->name},
                   {"views", e.tta->views},
                   {"latency_ms_p50", e.tta->latency_ms_p50},
                   {"latency_ms_p95", e.tta->latency_ms_p95}};
  if (!e.classifier) return json;
  json["classes"] = e.classes;
  json["confusion"] = tasks::rows_of(e.classifier->confusion);
  return json;
}

}  // namespace braid::evaluate
