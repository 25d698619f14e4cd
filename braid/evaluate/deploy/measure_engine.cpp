#include "braid/evaluate/deploy/measure_engine.h"

#include <ATen/Parallel.h>

#include <memory>
#include <utility>
#include <vector>

#include "braid/core/error.h"
#include "braid/evaluate/deploy/open_engine.h"
#include "braid/evaluate/latency.h"
#include "braid/runtime/tensor_file.h"
#include "braid/serve/torch/torch_tensor.h"
#include "braid/tasks/metrics/classifier_report.h"

namespace braid::evaluate {
namespace {

std::vector<serve::Tensor> inputs_from(const data::Batch& batch, const serve::Engine& engine) {
  std::vector<serve::Tensor> inputs;
  for (const auto& spec : engine.inputs())
    inputs.push_back(serve::from_torch(spec.name, batch.at(spec.name)));
  return inputs;
}

class EngineInference final : public Inference {
 public:
  EngineInference(serve::Engine& engine, const std::function<data::Batch(int64_t)>& make)
      : engine_(engine), make_(make) {}
  void set_batch(int64_t items) override { inputs_ = inputs_from(make_(items), engine_); }
  void call() override { engine_.infer(inputs_); }

 private:
  serve::Engine& engine_;
  const std::function<data::Batch(int64_t)>& make_;
  std::vector<serve::Tensor> inputs_;
};

Scores scores_of(serve::Engine& engine, const DeployTarget& target, const EngineItems& items,
                 Progress& progress) {
  tasks::ClassifierMetrics metrics(items.classes);
  int64_t done = 0;
  progress.begin(target.name, items.count);
  items.test.start_epoch(0);
  while (const auto batch = items.test.next()) {
    const auto answers = engine.infer(inputs_from(*batch, engine));
    const auto logits = serve::to_torch(answers.at(0));  // [B,K], lives as long as answers
    if (!runtime::is_finite(logits))
      throw DataError("compare", "expected finite outputs of " + target.name + ", got others");
    metrics.update(logits.softmax(1), batch->at(data::kLabels));
    progress.update(done += batch->size(), "");
  }
  progress.end();
  if (metrics.count() == 0) throw DataError("compare", "no test item could be read", target.name);
  return metrics.scores();
}

}  // namespace

void fill_quantized(const onnx::QuantizeReport& report, Deployed& deployed) {
  deployed.float_bytes = report.float_bytes;
  deployed.weight_bits = report.weight_bits;
  deployed.operators = report.units;
  deployed.operators_in_float = static_cast<int64_t>(report.in_float.size());
}

void measure_engine(const DeployTarget& target, const std::filesystem::path& file,
                    const EngineItems& items, Progress& progress, Deployed& deployed) {
  const auto engine = open_engine(target, file, at::get_num_threads());
  deployed.engine = target.name;
  deployed.file = file.string();
  deployed.bytes = static_cast<int64_t>(std::filesystem::file_size(file));
  deployed.scores = scores_of(*engine, target, items, progress);
  EngineInference inference(*engine, items.make);
  const auto latency = measure_latency(inference, {.max_seconds = items.latency_seconds});
  deployed.latency_ms_p50 = latency.p50_ms;
  deployed.latency_ms_p95 = latency.p95_ms;
  deployed.throughput_items_per_s = latency.items_per_s;
}

}  // namespace braid::evaluate
