#include "braid/export/quantize_encoder_decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "braid/core/error.h"
#include "braid/data/bad_samples.h"
#include "braid/data/text/parallel_collate.h"
#include "braid/decoding/encoder_decoder_files.h"
#include "braid/export/calibration_data.h"
#include "braid/export/encoder_decoder_graphs.h"
#include "braid/export/one_word_batches.h"
#include "braid/export/quantize_model.h"
#include "braid/io/atomic_file.h"

namespace braid::onnx {
namespace {

namespace fs = std::filesystem;
using torch::Tensor;

constexpr const char* kPairs = "pairs";
constexpr size_t kPairsOfOneLength = 16, kPairsPadded = 32;

// A graph's output for values of these names.
Tensor output_of(const graph::Graph& graph, const std::map<std::string, Tensor>& values) {
  return outputs_of(graph, values).at(0);
}

class PairBatches {
 public:
  PairBatches(const tasks::Translator& loaded, data::ParallelTextPtr pairs,
              const QuantizeRequest& request)
      : pairs_(std::move(pairs)),
        collate_(pairs_, loaded.tokenizer, loaded.format),
        request_(request),
        bad_(request.on_bad_sample) {}

  // Of pairs whose sources are of one length, and whose targets are too: no padding is in them.
  std::vector<data::Batch> calibration() {
    std::map<std::pair<int64_t, int64_t>, std::vector<int64_t>> by_length;
    int64_t read = 0;
    for (const int64_t position :
         choose_positions(pairs_->size(), request_.samples, request_.seed)) {
      const auto one = collate_({position}, {}, bad_);
      if (one.size() == 0) continue;
      by_length[{one.at(data::kInputIds).size(1), one.at(data::kLabels).size(1)}].push_back(
          position);
      ++read;
    }
    if (read < kLeastSamples)
      throw DataError(
          "quantize",
          fmt::format("expected at least {} pairs to calibrate with, got {}", kLeastSamples, read),
          request_.data, "give pairs of the kind that the model will translate");
    std::vector<data::Batch> batches;
    for (const auto& [lengths, positions] : by_length)
      add_batches(positions, kPairsOfOneLength, batches);
    // Long pairs are not all behind the short ones: some steps look at the first batches alone.
    std::vector<data::Batch> mixed;
    const auto order = choose_positions(static_cast<int64_t>(batches.size()),
                                        static_cast<int64_t>(batches.size()), request_.seed);
    for (const int64_t at : order) mixed.push_back(std::move(batches[static_cast<size_t>(at)]));
    return mixed;
  }

  // Padded as in evaluation; as many as have `most` words.
  std::vector<data::Batch> judged(int64_t most) {
    std::vector<data::Batch> batches;
    int64_t words = 0;
    const auto positions = choose_positions(pairs_->size(), request_.eval_samples, request_.seed);
    for (size_t begin = 0; begin < positions.size() && words < most; begin += kPairsPadded) {
      const auto end = std::min(begin + kPairsPadded, positions.size());
      const size_t before = batches.size();
      add_batches({positions.begin() + static_cast<int64_t>(begin),
                   positions.begin() + static_cast<int64_t>(end)},
                  kPairsPadded, batches);
      for (size_t i = before; i < batches.size(); ++i)
        words += batches[i].at(data::kLabels).numel();
    }
    if (batches.empty())
      throw DataError("quantize", "expected pairs that decide on steps, got none", request_.data);
    return batches;
  }

 private:
  void add_batches(const std::vector<int64_t>& positions, size_t rows,
                   std::vector<data::Batch>& batches) {
    for (size_t begin = 0; begin < positions.size(); begin += rows) {
      const auto end = std::min(begin + rows, positions.size());
      auto batch = collate_({positions.begin() + static_cast<int64_t>(begin),
                             positions.begin() + static_cast<int64_t>(end)},
                            {}, bad_);
      if (batch.size() > 0) batches.push_back(std::move(batch));
    }
  }

  data::ParallelTextPtr pairs_;
  data::ParallelCollate collate_;
  const QuantizeRequest& request_;
  data::BadSamples bad_;
};

// The same batches as the decoder's graph takes them: it reads what the encoder gives.
std::vector<data::Batch> for_decoder(const graph::Graph& encoder,
                                     const std::vector<data::Batch>& batches) {
  const torch::NoGradGuard no_grad;
  std::vector<data::Batch> read;
  for (const auto& batch : batches)
    read.push_back({.tensors = {{data::kInputIds, batch.at(data::kDecoderInputIds)},
                                {kEncoderHidden, output_of(encoder, batch.tensors)},
                                {kEncoderMask, batch.at(data::kAttentionMask)},
                                {data::kLabels, batch.at(data::kLabels)}},
                    .indices = batch.indices});
  return read;
}

CalibrationData data_of(std::vector<data::Batch> calibration, std::vector<data::Batch> judged,
                        const std::string& split) {
  CalibrationData data;
  data.calibration = std::move(calibration);
  data.judged = std::move(judged);
  data.split = split;
  return data;
}

}  // namespace

CalibrationPairs open_calibration_pairs(const tasks::Translator& loaded,
                                        const QuantizeRequest& request, Progress& progress) {
  if (request.split != "auto")
    throw UsageError("quantize", "expected auto for a model that translates, got " + request.split,
                     "--split", "`braid compare --deploy braid-run-int8` measures translations");
  const auto splits = data::open_parallel_text(
      request.data, {.source_lang = loaded.source_lang, .target_lang = loaded.target_lang});
  for (const auto& line : splits.remarks) progress.line(line);
  if (!splits.train || !splits.val)
    throw DataError("quantize", "expected pairs to calibrate with, got no train split",
                    request.data);
  return {.calibrate = splits.train, .judge = splits.val};
}

EncoderDecoderQuantization quantize_encoder_decoder(
    const tasks::Translator& loaded, const fs::path& checkpoint, const CalibrationPairs& pairs,
    const fs::path& folder, const QuantizeRequest& request, Progress& progress) {
  // Numbers that judge, each of a word of the vocabulary at a place of a target.
  constexpr int64_t kMostLogits = int64_t{1} << 24;
  check_fields<UsageError>(request, "quantize");
  if (request.with_preprocessing)
    throw UsageError("quantize", "expected a model of images, got one that translates",
                     "--with-preprocessing",
                     "leave it out: the tokenizer's files are in the files' metadata");
  models::LoadedEncoderDecoder model{loaded.model, loaded.hub};
  const auto graphs = make_encoder_decoder_graphs(model);
  const auto options = onnx_options(model, checkpoint);
  PairBatches some(loaded, pairs.calibrate, request), others(loaded, pairs.judge, request);
  auto of_encoder = data_of(
      some.calibration(),
      others.judged(std::max<int64_t>(1, kMostLogits / loaded.model->vocab_size())), pairs.judges);
  of_encoder = with_remarks(std::move(of_encoder), kPairs, progress);
  auto of_decoder = data_of(for_decoder(graphs.encoder, of_encoder.calibration),
                            for_decoder(graphs.encoder, of_encoder.judged), pairs.judges);
  of_encoder.reader = [&](const Tensor& hidden, size_t batch) {
    const auto& judged = of_encoder.judged.at(batch);
    const auto first = [&](const char* name) {
      return judged.at(name).narrow(0, 0, hidden.size(0));
    };
    return output_of(graphs.decoder, {{data::kInputIds, first(data::kDecoderInputIds)},
                                      {kEncoderHidden, hidden},
                                      {kEncoderMask, first(data::kAttentionMask)}});
  };
  io::check_writable(folder, 0);
  fs::create_directories(folder);
  // One that was there is of other weights.
  std::error_code none;
  fs::remove(folder / decoding::kDecoderWithPastFile, none);
  std::vector<fs::path> written;
  const auto make = [&](const graph::Graph& graph, const CalibrationData& data,
                        const OnnxOptions& how, const char* file) {
    auto report = quantize_model(graph, data, how, folder / file, request, progress);
    written.push_back(folder / file);
    return report;
  };
  EncoderDecoderQuantization made;
  try {
    made.encoder = make(graphs.encoder, of_encoder, options.encoder, decoding::kEncoderFile);
    made.decoder = make(graphs.decoder, of_decoder, options.decoder, decoding::kDecoderFile);
    if (!graphs.decoder_with_past) return made;
    const auto& next = *graphs.decoder_with_past;
    auto some_words = one_word_batches(graphs.decoder, next, of_decoder.calibration);
    auto other_words = one_word_batches(graphs.decoder, next, of_decoder.judged);
    const auto of_next =
        data_of(std::move(some_words.batches), std::move(other_words.batches), pairs.judges);
    of_decoder = {};  // holds what the encoder gives
    made.decoder_with_past =
        make(next, of_next, options.decoder_with_past, decoding::kDecoderWithPastFile);
    made.decoder_with_past->samples = some_words.items;
  } catch (...) {
    for (const auto& file : written) fs::remove(file, none);  // all of them or none
    throw;
  }
  return made;
}

}  // namespace braid::onnx
