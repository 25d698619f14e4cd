#include "braid/evaluate/text/deploy_translator.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <string>
#include <vector>

#include "braid/core/error.h"
#include "braid/evaluate/deploy/measure_engine.h"
#include "braid/evaluate/text/translation_calls.h"
#include "braid/export/export_encoder_decoder.h"
#include "braid/export/quantize_encoder_decoder.h"
#include "braid/runner/translator.h"
#include "braid/tasks/text/corpus_scores.h"
#include "braid/tasks/text/translator.h"

namespace braid::evaluate {
namespace {

// What the parts of one model are together.
onnx::QuantizeReport joined(const onnx::EncoderDecoderQuantization& made) {
  auto all = made.encoder;
  const auto add = [&](const onnx::QuantizeReport& part) {
    all.bytes += part.bytes;
    all.float_bytes += part.float_bytes;
    all.units += part.units;
    all.in_float.insert(all.in_float.end(), part.in_float.begin(), part.in_float.end());
  };
  add(made.decoder);
  if (made.decoder_with_past) add(*made.decoder_with_past);
  return all;
}

void write_int8(const tasks::Translator& trained, const std::filesystem::path& checkpoint,
                const TranslatorDeployment& d, const std::filesystem::path& folder,
                Progress& progress, Deployed& deployed) {
  const bool val_is_test = d.val == d.test;
  const auto made = onnx::quantize_encoder_decoder(
      trained, checkpoint,
      {.calibrate = d.train,
       .judge = val_is_test ? d.train : d.val,
       .judges = val_is_test ? "train" : "val"},
      folder, {.data = d.data, .seed = d.seed, .on_bad_sample = d.on_bad_sample}, progress);
  fill_quantized(joined(made), deployed);
}

Scores scores_of(runner::Translator& translator, const DeployTarget& target,
                 const data::ParallelText& test, Progress& progress) {
  std::vector<std::string> written, references;
  progress.begin(target.name, test.size());
  for (int64_t i = 0; i < test.size(); ++i) {
    written.push_back(translator.translate(test.source(i)).text);
    references.push_back(test.target(i));
    progress.update(i + 1, "");
  }
  progress.end();
  return tasks::score_corpus(written, references).scores;
}

}  // namespace

void check_translator_target(const DeployTarget& target) {
  if (target.openvino)
    throw UsageError(
        "compare",
        "expected braid-run or braid-run-int8 for models that translate, got " + target.name,
        "--deploy", "OpenVINO writes no texts word by word: --deploy braid-run does");
}

Deployed deploy_translator(const std::filesystem::path& checkpoint, const DeployTarget& target,
                           const TranslatorDeployment& d, const std::filesystem::path& folder,
                           Progress& progress) {
  Deployed deployed;
  const auto trained = tasks::load_translator(checkpoint);
  if (target.int8) {
    write_int8(trained, checkpoint, d, folder, progress, deployed);
  } else {
    models::LoadedEncoderDecoder loaded{trained.model, trained.hub};
    const auto report = onnx::export_encoder_decoder(loaded, checkpoint, folder);
    deployed.float_bytes = report.encoder.bytes + report.decoder.bytes;
    if (report.decoder_with_past) *deployed.float_bytes += report.decoder_with_past->bytes;
  }
  deployed.engine = target.name;
  deployed.file = folder.string();
  deployed.bytes = shipped_bytes(folder);
  // As many threads as LibTorch has.
  auto translator = runner::Translator::open(folder, {.session = {.threads = at::get_num_threads()},
                                                      .max_length_factor = d.max_length_factor});
  deployed.scores = scores_of(translator, target, *d.test, progress);
  TranslationCalls calls(d.test, [&](const std::vector<std::string>& sources) {
    for (const auto& source : sources) translator.translate(source);
  });
  // A batch is translated one text after the other: a few say what many do.
  const auto latency = measure_latency(calls, {.warm_up = 1,
                                               .min_calls = 10,
                                               .throughput_batch = 8,
                                               .throughput_calls = 1,
                                               .max_seconds = d.latency_seconds});
  deployed.latency_ms_p50 = latency.p50_ms;
  deployed.latency_ms_p95 = latency.p95_ms;
  deployed.throughput_items_per_s = latency.items_per_s;
  return deployed;
}

}  // namespace braid::evaluate
