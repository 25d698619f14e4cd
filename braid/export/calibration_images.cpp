#include "braid/export/calibration_images.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "braid/core/error.h"
#include "braid/data/bad_samples.h"
#include "braid/data/image/image_collate.h"
#include "braid/data/image/image_inputs.h"
#include "braid/data/locate.h"
#include "braid/data/open_dataset.h"
#include "braid/data/sources.h"
#include "braid/data/summary.h"
#include "braid/io/posix_file.h"
#include "braid/tasks/class_map.h"

namespace braid::onnx {
namespace {

constexpr const char* kItems = "images";
constexpr int64_t kBatch = 64;
constexpr int64_t kMemory = int64_t{1} << 30;  // bytes of prepared images kept
constexpr int64_t kMostUnlabelled = 4096;      // files that a folder is read for

std::unique_ptr<data::Loader> open_images(const data::DatasetPtr& dataset, int64_t batch_size,
                                          const models::LoadedModel& loaded,
                                          const QuantizeRequest& request) {
  return data::make_image_loader(dataset, {.batch_size = batch_size,
                                           .workers = request.workers,
                                           .on_bad_sample = request.on_bad_sample,
                                           .input = loaded.hub.input});
}

std::vector<data::Batch> load(const data::DatasetPtr& dataset,
                              const std::vector<int64_t>& positions,
                              const models::LoadedModel& loaded, const QuantizeRequest& request) {
  const auto loader = open_images(data::subset(dataset, positions), kBatch, loaded, request);
  std::vector<data::Batch> batches;
  loader->start_epoch(0);
  while (auto batch = loader->next()) batches.push_back(std::move(*batch));
  return batches;
}

int64_t fitting(const models::LoadedModel& loaded, int64_t asked) {
  const auto& input = loaded.hub.input;
  const int64_t fits = kMemory / (input.channels * input.height * input.width * 4);
  return std::min(asked, std::max(fits, kLeastSamples));
}

[[noreturn]] void fail_few(int64_t count, const std::string& data) {
  throw DataError("quantize",
                  count == 0 ? "expected images to calibrate with, got none"
                             : fmt::format("expected {} images or more to calibrate with, got {}",
                                           kLeastSamples, count),
                  data, "give some hundred images of the kind that the model will see");
}

int64_t size_of(const std::vector<data::Batch>& batches) {
  int64_t size = 0;
  for (const auto& batch : batches) size += batch.size();
  return size;
}

// Images right in a folder, in no class folders.
bool is_unlabelled_folder(const std::string& data) {
  if (!io::is_folder(data)) return false;
  bool images = false;
  for (const auto& path : io::list_folder(data)) {
    if (io::is_folder(path)) return false;
    images = images || io::has_image_suffix(path);
  }
  return images && !data::is_idx_folder(data) && !data::is_cifar_folder(data);
}

std::vector<data::Batch> batches_of(const std::vector<io::Image>& images,
                                    const data::InputConfig& input) {
  std::vector<data::Batch> batches;
  for (size_t i = 0; i < images.size(); i += kBatch) {
    const auto end = std::min(images.size(), i + static_cast<size_t>(kBatch));
    const auto pixels = data::stack_images({images.begin() + static_cast<std::ptrdiff_t>(i),
                                            images.begin() + static_cast<std::ptrdiff_t>(end)},
                                           input);
    batches.push_back(
        {.tensors = {{data::kPixelValues, pixels}}, .indices = std::vector<int64_t>(end - i)});
  }
  return batches;
}

CalibrationData read_unlabelled(const models::LoadedModel& loaded, const QuantizeRequest& request) {
  data::ImageInputs inputs({request.data}, "");
  std::vector<std::string> names;
  while (auto name = inputs.next()) {
    names.push_back(*name);
    if (static_cast<int64_t>(names.size()) == kMostUnlabelled) break;
  }
  const auto count = static_cast<int64_t>(names.size());
  // A quarter of a small folder judges.
  const int64_t judged = std::min(fitting(loaded, request.eval_samples), count / 4);
  std::vector<io::Image> calibrate, judge;
  data::BadSamples bad(request.on_bad_sample);
  for (const int64_t i : choose_positions(count, request.samples + judged, request.seed)) {
    auto& into = static_cast<int64_t>(judge.size()) < judged ? judge : calibrate;
    bad.guard(
        [&] { into.push_back(data::read_input(names[static_cast<size_t>(i)], request.limits)); });
  }
  if (const auto left = static_cast<int64_t>(calibrate.size()); left < kLeastSamples)
    fail_few(left, request.data);
  CalibrationData out;
  out.calibration = batches_of(calibrate, loaded.hub.input);
  out.split = judge.empty() ? "calibration" : "held-out images";
  out.judged = judge.empty() ? out.calibration : batches_of(judge, loaded.hub.input);
  out.remarks.push_back(
      "The images have no labels: the float model's probabilities stand for the accuracy.");
  if (auto remark = bad.remark("image")) out.remarks.push_back(std::move(*remark));
  return out;
}

void remark_on_channels(const data::Dataset& dataset, const data::InputConfig& input,
                        std::vector<std::string>& remarks) {
  if (dataset.channels() == input.channels) return;
  const auto kind = [](int64_t channels) { return channels == 1 ? "gray" : "in colour"; };
  remarks.push_back(fmt::format("The model takes images that are {}, the data's are {}.",
                                kind(input.channels), kind(dataset.channels())));
}

CalibrationData choose_labelled(const data::Splits& splits, const models::LoadedModel& loaded,
                                const QuantizeRequest& request) {
  const auto& names = loaded.hub.classes;
  if (!splits.train || splits.train->size() == 0) fail_few(0, request.data);
  CalibrationData out;
  const bool has_val = splits.val && splits.val->size() > 0;
  const auto judge = has_val ? splits.val : splits.train;
  out.split = request.split == "auto" ? (splits.test ? "test" : "val") : request.split;
  const auto test = out.split == "test" ? splits.test : judge;
  if (!test)
    throw DataError("quantize", "the data has no test split", request.data, "use --split val");
  if (!has_val && out.split == "val") out.split = "calibration";
  const int64_t outputs = loaded.model->num_classes();
  out.classes = tasks::class_map(test->classes(), names, outputs, request.data);
  remark_on_channels(*splits.train, loaded.hub.input, out.remarks);
  out.calibration =
      load(splits.train,
           choose_positions(splits.train->size(), fitting(loaded, request.samples), request.seed),
           loaded, request);
  out.judged = load(
      judge, choose_positions(judge->size(), fitting(loaded, request.eval_samples), request.seed),
      loaded, request);
  if (const int64_t left = size_of(out.calibration); left < kLeastSamples)
    fail_few(left, request.data);
  if (out.judged.empty()) fail_few(0, request.data);
  const auto map = tasks::class_map(judge->classes(), names, outputs, request.data);
  for (auto& batch : out.judged)
    batch.tensors[data::kLabels] = mapped_labels(batch.at(data::kLabels), map);
  constexpr int64_t kTestBatch = 128;
  out.test_size = test->size();
  out.open_test = [=, &loaded] { return open_images(test, kTestBatch, loaded, request); };
  return out;
}

data::Splits open_labelled(const models::LoadedModel& loaded, const QuantizeRequest& request,
                           Progress& progress) {
  auto splits = data::open_dataset(
      request.data, {.source = {.class_order = loaded.hub.classes, .limits = request.limits}});
  for (const auto& line : data::remarks_on(splits, request.data)) progress.line(line);
  return splits;
}

}  // namespace

CalibrationData calibration_images_of(const data::Splits& splits, const models::LoadedModel& loaded,
                                      const QuantizeRequest& request, Progress& progress) {
  return with_remarks(choose_labelled(splits, loaded, request), kItems, progress);
}

std::vector<io::Image> sample_images(const std::string& data, int64_t count,
                                     const io::DecodeLimits& limits) {
  std::vector<io::Image> images;
  if (is_unlabelled_folder(data)) {
    data::ImageInputs inputs({data}, "");
    std::vector<std::string> names;
    while (auto name = inputs.next()) {
      names.push_back(*name);
      if (static_cast<int64_t>(names.size()) == kMostUnlabelled) break;
    }
    for (const int64_t i : choose_positions(static_cast<int64_t>(names.size()), count, 0))
      images.push_back(data::read_input(names[static_cast<size_t>(i)], limits));
  } else {
    const auto splits = data::open_dataset(data, {.source = {.limits = limits}});
    const auto& from = splits.test              ? splits.test
                       : splits.val->size() > 0 ? splits.val
                                                : splits.train;
    for (const int64_t i : choose_positions(from->size(), count, 0))
      images.push_back(from->get(i).image);
  }
  if (images.empty())
    throw DataError("export", "expected images to prove the file on, got none", data,
                    "give images of the kind that the model will see");
  return images;
}

CalibrationData open_calibration_images(const models::LoadedModel& loaded,
                                        const QuantizeRequest& request, Progress& progress) {
  if (is_unlabelled_folder(request.data))
    return with_remarks(read_unlabelled(loaded, request), kItems, progress);
  return calibration_images_of(open_labelled(loaded, request, progress), loaded, request, progress);
}

}  // namespace braid::onnx
