#include "braid/export/calibration_texts.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <random>
#include <utility>

#include "braid/core/error.h"
#include "braid/data/data_kind.h"
#include "braid/data/locate.h"
#include "braid/data/summary.h"
#include "braid/data/text/plain_text.h"
#include "braid/data/text/tagged_collate.h"
#include "braid/data/text/tagged_text.h"
#include "braid/data/text/text_collate.h"
#include "braid/export/text_batches.h"
#include "braid/tasks/class_map.h"

namespace braid::onnx {
namespace {

constexpr const char* kTexts = "texts";
constexpr int64_t kTaggedBatch = 32;
constexpr size_t kMostUnlabelledTexts = 16384;  // texts that are kept of files

// A split that is ready to become batches.
struct TextSet {
  std::shared_ptr<const data::Collate> collate;
  int64_t size = 0;
  torch::Tensor classes;  // of each label the checkpoint's; undefined: no labels
  std::function<std::unique_ptr<data::Loader>()> open;
};
struct TextSets {
  std::optional<TextSet> train, val, test;
};

// Texts that belong to nothing.
class UnlabelledTexts final : public data::TextDataset {
 public:
  UnlabelledTexts(std::vector<std::string> texts, std::string place)
      : texts_(std::move(texts)), place_(std::move(place)) {}
  int64_t size() const override { return static_cast<int64_t>(texts_.size()); }
  data::TextExample get(int64_t i) const override {
    return {.text = texts_.at(static_cast<size_t>(i)), .pair = {}};
  }
  int64_t label(int64_t) const override { return 0; }
  std::string describe(int64_t) const override { return place_; }
  const std::vector<std::string>& classes() const override { return none_; }

 private:
  std::vector<std::string> texts_, none_;
  std::string place_;
};

// Of all lines of the files, each as likely as another.
std::vector<std::string> draw_lines(const QuantizeRequest& request) {
  std::vector<std::string> kept;
  std::mt19937_64 random(static_cast<uint64_t>(request.seed));
  size_t seen = 0;
  data::BadSamples bad("error");
  data::DocumentReader lines(data::find_plain_text(request.data).train, data::Documents::kLines,
                             bad);
  while (auto text = lines.next())
    if (++seen <= kMostUnlabelledTexts) {
      kept.push_back(std::move(*text));
    } else if (const size_t place = random() % seen; place < kMostUnlabelledTexts) {
      kept[place] = std::move(*text);
    }
  return kept;
}

[[noreturn]] void fail_kind(const std::string& got, const std::string& data) {
  throw DataError("quantize", "expected texts to calibrate with, got " + got, data,
                  "give some hundred texts of the kind that the model will see, a line each");
}

class TextCalibration {
 public:
  TextCalibration(const tasks::TokenizedModel& loaded, const QuantizeRequest& request)
      : loaded_(loaded), request_(request), batches_(*loaded.tokenizer, loaded.max_length) {}

  CalibrationData labelled(const TextSets& sets) {
    if (!sets.train || sets.train->size == 0) fail_kind("none", request_.data);
    const auto& judge = sets.val && sets.val->size > 0 ? *sets.val : *sets.train;
    CalibrationData out;
    out.split = request_.split == "auto" ? (sets.test ? "test" : "val") : request_.split;
    if (out.split == "test" && !sets.test)
      throw DataError("quantize", "the data has no test split", request_.data, "use --split val");
    const auto& test = out.split == "test" ? *sets.test : judge;
    if (&test == &*sets.train) out.split = "calibration";
    out.open_test = test.open;
    out.test_size = test.size;
    out.classes = test.classes;
    calibrate(*sets.train, choose(*sets.train, request_.samples), out);
    out.judged = judged(judge, choose(judge, request_.eval_samples));
    for (auto& batch : out.judged)
      batch.tensors[data::kLabels] = mapped_labels(batch.at(data::kLabels), judge.classes);
    return out;
  }

  CalibrationData unlabelled(const TextSet& texts) {
    if (texts.size == 0) fail_kind("none", request_.data);
    CalibrationData out;
    // A quarter of few texts judges.
    const int64_t judges = std::min(request_.eval_samples, texts.size / 4);
    auto chosen = choose(texts, request_.samples + judges);
    const auto middle = chosen.begin() + judges;
    const std::vector<int64_t> to_judge(chosen.begin(), middle);
    chosen.erase(chosen.begin(), middle);
    calibrate(texts, chosen, out);
    out.judged = judged(texts, to_judge);
    for (auto& batch : out.judged) batch.tensors.erase(data::kLabels);
    out.split = "held-out texts";
    out.remarks.push_back(
        "The texts have no labels: the float model's probabilities stand for the accuracy.");
    return out;
  }

  TextSet set_of(const data::TextDatasetPtr& texts) const {
    TextSet set{.collate = std::make_shared<data::TextCollate>(texts, loaded_.tokenizer,
                                                               loaded_.max_length),
                .size = texts->size(),
                .classes = {},
                .open = {}};
    if (texts->classes().empty()) return set;
    set.classes = classes_of(texts->classes());
    set.open = [texts, this_loaded = loaded_, request = request_] {
      return data::make_text_loader(texts, this_loaded.tokenizer,
                                    {.workers = request.workers,
                                     .on_bad_sample = request.on_bad_sample,
                                     .max_length = this_loaded.max_length});
    };
    return set;
  }

  TextSet set_of(const data::TaggedTextsPtr& texts) const {
    const auto collate =
        std::make_shared<data::TaggedCollate>(texts, loaded_.tokenizer, loaded_.max_length);
    return {.collate = collate,
            .size = texts->size(),
            .classes = classes_of(texts->tags()),
            .open = [collate, size = texts->size(), request = request_] {
              return std::make_unique<data::Loader>(
                  collate, std::make_unique<data::Sequential>(size, kTaggedBatch),
                  data::LoaderOptions{.workers = request.workers,
                                      .on_bad_sample = request.on_bad_sample});
            }};
  }

  template <class Texts>
  std::optional<TextSet> maybe(const Texts& texts) const {
    return texts ? std::optional(set_of(texts)) : std::nullopt;
  }

 private:
  torch::Tensor classes_of(const std::vector<std::string>& names) const {
    return tasks::class_map(names, loaded_.hub.classes, loaded_.model->num_labels(), request_.data);
  }

  std::vector<int64_t> choose(const TextSet& set, int64_t count) const {
    return choose_positions(set.size, count, request_.seed);
  }

  std::vector<data::Batch> judged(const TextSet& set, const std::vector<int64_t>& positions) const {
    return batches_.padded(batches_.rows(*set.collate, positions, request_.on_bad_sample),
                           request_.seed);
  }

  void calibrate(const TextSet& set, const std::vector<int64_t>& positions, CalibrationData& out) {
    const auto rows = batches_.rows(*set.collate, positions, request_.on_bad_sample);
    if (static_cast<int64_t>(rows.size()) < kLeastSamples)
      fail_kind(rows.empty() ? "none" : fmt::format("{} of them", rows.size()), request_.data);
    const auto tokens = batches_.count(rows);
    if (tokens.words == 0) fail_kind("empty ones", request_.data);
    if (tokens.unknown == tokens.words)
      throw DataError("quantize",
                      "expected texts that the tokenizer knows, got unknown tokens only",
                      request_.data, "give texts of the language that the model was trained on");
    if (2 * tokens.unknown > tokens.words)
      out.remarks.push_back(fmt::format(
          "The tokenizer does not know {:.0f}% of the texts' tokens.",
          100.0 * static_cast<double>(tokens.unknown) / static_cast<double>(tokens.words)));
    if (tokens.full > 0)
      out.remarks.push_back(
          fmt::format("{} of {} texts have the most tokens that the model was trained on, {}: what "
                      "is longer is cut.",
                      tokens.full, rows.size(), loaded_.max_length));
    out.calibration = batches_.of_one_length(rows, request_.seed);
  }

  const tasks::TokenizedModel& loaded_;
  const QuantizeRequest& request_;
  TextBatches batches_;
};

template <class Splits>
CalibrationData of_splits(TextCalibration& calibration, const Splits& splits) {
  return calibration.labelled({.train = calibration.maybe(splits.train),
                               .val = calibration.maybe(splits.val),
                               .test = calibration.maybe(splits.test)});
}

data::TaggedSplits open_tagged(const tasks::TokenizedModel& loaded,
                               const QuantizeRequest& request) {
  constexpr double kJudges = 0.1;
  return data::open_tagged_texts(request.data, {.tag_order = loaded.hub.classes,
                                                .on_bad_sample = request.on_bad_sample,
                                                .val_fraction = kJudges});
}

CalibrationData open_texts(const tasks::TokenizedModel& loaded, const QuantizeRequest& request,
                           Progress& progress) {
  data::locate_data(request.data);
  const auto kind = data::kind_of_data(request.data);
  const bool tags = loaded.model->head() == models::TextHead::kTokenClassification;
  TextCalibration calibration(loaded, request);
  if (kind == data::DataKind::kPlainText)
    return calibration.unlabelled(calibration.set_of(
        std::make_shared<const UnlabelledTexts>(draw_lines(request), request.data)));
  if (kind == data::DataKind::kTaggedText && tags)
    return of_splits(calibration, open_tagged(loaded, request));
  if (kind != data::DataKind::kLabelledText || tags) fail_kind(data::to_string(kind), request.data);
  const auto splits = data::open_text_dataset(
      request.data,
      {.source = {.class_order = loaded.hub.classes, .on_bad_sample = request.on_bad_sample}});
  for (const auto& line : data::remarks_on(splits.left_out, splits.remarks, request.data))
    progress.line(line);
  return of_splits(calibration, splits);
}

}  // namespace

CalibrationData open_calibration_texts(const tasks::TokenizedModel& loaded,
                                       const QuantizeRequest& request, Progress& progress) {
  return with_remarks(open_texts(loaded, request, progress), kTexts, progress);
}

CalibrationData calibration_texts_of(const data::TextSplits& splits,
                                     const tasks::TokenizedModel& loaded,
                                     const QuantizeRequest& request, Progress& progress) {
  TextCalibration calibration(loaded, request);
  return with_remarks(of_splits(calibration, splits), kTexts, progress);
}

std::vector<data::Batch> sample_texts(const tasks::TokenizedModel& loaded, const std::string& data,
                                      Progress& progress) {
  return open_texts(
             loaded,
             {.data = data, .samples = kLeastSamples, .eval_samples = kLeastSamples, .workers = 0},
             progress)
      .judged;
}

}  // namespace braid::onnx
