#include "braid/tasks/open_task_data.h"

#include <fmt/format.h>

#include "braid/core/error.h"
#include "braid/data/data_kind.h"
#include "braid/data/locate.h"
#include "braid/data/open_dataset.h"
#include "braid/models/registry.h"
#include "braid/models/text/encoder_decoder.h"
#include "braid/models/text/text_model.h"
#include "braid/models/vision/image_model.h"
#include "braid/tasks/class_balance.h"
#include "braid/tasks/class_names.h"
#include "braid/tasks/image_data.h"
#include "braid/tasks/text/masked_lm_data.h"
#include "braid/tasks/text/question_answering.h"
#include "braid/tasks/text/replaced_tokens_data.h"
#include "braid/tasks/text/text_data.h"
#include "braid/tasks/text/token_classification.h"
#include "braid/tasks/text/translation_data.h"

namespace braid::tasks {
namespace {

using data::DataKind;

// The task that data of a kind is for, where no one says.
const char* task_for(DataKind kind) {
  switch (kind) {
    case DataKind::kImages:
      return kImageClassification;
    case DataKind::kLabelledText:
      return kTextClassification;
    case DataKind::kQuestions:
      return kQuestionAnswering;
    case DataKind::kTaggedText:
      return kTokenClassification;
    case DataKind::kParallelText:
      return kTranslation;
    case DataKind::kPlainText:
      return kMaskedLm;
  }
  throw InternalError("tasks", "a kind of data without a task");
}

std::string_view kind_of_model(const std::string& task) {
  if (task == kImageClassification) return models::ImageModel::kKind;
  if (task == kTranslation) return models::EncoderDecoder::kKind;
  return models::TextEncoder::kKind;
}

std::unique_ptr<TaskData> open_images(const TaskConfig& config,
                                      const std::filesystem::path& checkpoint) {
  return std::make_unique<ImageData>(
      data::open_dataset(config.data,
                         {.val_fraction = config.val_fraction,
                          .source = {.class_order = classes_of(checkpoint),
                                     .limits = {.max_pixels = config.image.max_image_pixels}}}),
      config.data);
}

std::unique_ptr<TaskData> open_texts(const TaskConfig& config, const std::string& on_bad_sample,
                                     const std::filesystem::path& checkpoint) {
  return std::make_unique<TextData>(
      data::open_text_dataset(config.data, {.val_fraction = config.val_fraction,
                                            .source = {.class_order = classes_of(checkpoint),
                                                       .on_bad_sample = on_bad_sample}}),
      config.data);
}

std::unique_ptr<TaskData> open_tags(const TaskConfig& config, const std::string& on_bad_sample,
                                    const std::filesystem::path& checkpoint) {
  return std::make_unique<TokenClassificationData>(
      data::open_tagged_texts(config.data, {.tag_order = classes_of(checkpoint),
                                            .on_bad_sample = on_bad_sample,
                                            .val_fraction = config.val_fraction}),
      config.data);
}

std::unique_ptr<TaskData> open_question_data(const TaskConfig& config,
                                             const std::string& on_bad_sample) {
  return std::make_unique<QuestionAnsweringData>(
      data::open_questions(config.data,
                           {.on_bad_sample = on_bad_sample, .val_fraction = config.val_fraction}),
      config.data, on_bad_sample);
}

}  // namespace

std::string resolve_task(const TaskConfig& config) {
  const auto kind = data::kind_of_data(config.data);
  const std::string task = config.task == kAutoTask ? task_for(kind) : config.task;
  const auto entry = models::find_model(config.model);
  if (entry.kind != kind_of_model(task)) {
    if (kind == DataKind::kImages) data::locate_data(config.data);  // says where nothing is there
    throw UsageError(
        "train",
        fmt::format("expected {} for {}, got {}, {}", models::with_article(kind_of_model(task)),
                    task, config.model, models::with_article(entry.kind)),
        config.data, "`braid models` lists the models of each kind");
  }
  return task;
}

std::unique_ptr<TaskData> open_task_data(const TaskConfig& config, const std::string& on_bad_sample,
                                         const std::filesystem::path& checkpoint) {
  const auto task = resolve_task(config);
  if (!config.distillation.teacher.empty() && task != kImageClassification &&
      task != kTextClassification)
    throw ConfigError("train", "expected no teacher: only classifiers learn from one", "teacher",
                      "leave out --teacher");
  if (config.sampler != kRandomSampler && task != kImageClassification &&
      task != kTextClassification)
    throw ConfigError("train",
                      "expected sampler random: only images and texts of one class each have "
                      "classes to balance",
                      "sampler = " + config.sampler, "leave out --sampler");
  if (task == kImageClassification) return open_images(config, checkpoint);
  if (task == kTextClassification) return open_texts(config, on_bad_sample, checkpoint);
  if (task == kTokenClassification) return open_tags(config, on_bad_sample, checkpoint);
  if (task == kQuestionAnswering) return open_question_data(config, on_bad_sample);
  if (task == kTranslation) return open_translation_data(config);
  if (task == kMaskedLm)
    return std::make_unique<MaskedLmData>(data::find_plain_text(config.data), config.data,
                                          config.val_fraction, on_bad_sample);
  if (task == kReplacedTokenDetection)
    return std::make_unique<ReplacedTokensData>(data::find_plain_text(config.data), config.data,
                                                config.val_fraction, on_bad_sample);
  throw UsageError("train", "braid has no task " + task, "--task");
}

}  // namespace braid::tasks
