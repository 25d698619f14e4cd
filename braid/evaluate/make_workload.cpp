#include "braid/evaluate/make_workload.h"

#include <fmt/format.h>

#include <initializer_list>
#include <string>

#include "braid/core/error.h"
#include "braid/data/data_kind.h"
#include "braid/data/locate.h"
#include "braid/evaluate/image/image_workload.h"
#include "braid/evaluate/image/look_probe.h"
#include "braid/evaluate/sample_efficiency.h"
#include "braid/evaluate/text/text_workload.h"
#include "braid/evaluate/text/translation_workload.h"

namespace braid::evaluate {
namespace {

// Throws UsageError where one of these fields has another value than its default.
void refuse_settings(const CompareConfig& config, std::initializer_list<const char*> fields,
                     const char* task) {
  const Json given = braid::to_json(config), plain = braid::to_json(CompareConfig());
  for (const std::string field : fields) {
    if (given.at(field) == plain.at(field)) continue;
    throw UsageError("compare",
                     fmt::format("expected no {} for {}, which does not look at it, got {}",
                                 flag_of(field), task, dump_json(given.at(field))),
                     "", "leave it out");
  }
}

}  // namespace

std::unique_ptr<Workload> make_workload(const CompareConfig& config, Progress& progress) {
  const auto kind = data::kind_of_data(config.data);
  const auto is = [&](const char* task, data::DataKind its) {
    return config.task == tasks::kAutoTask ? kind == its : config.task == task;
  };
  if (is(tasks::kTextClassification, data::DataKind::kLabelledText)) {
    refuse_settings(config, {"img_size", "max_image_pixels", "source_lang", "target_lang"},
                    tasks::kTextClassification);
    return std::make_unique<TextWorkload>(config, progress);
  }
  if (is(tasks::kTranslation, data::DataKind::kParallelText)) {
    refuse_settings(config, {"img_size", "max_image_pixels"}, tasks::kTranslation);
    return std::make_unique<TranslationWorkload>(config, progress);
  }
  if (is(tasks::kImageClassification, data::DataKind::kImages)) {
    data::locate_data(config.data);  // says where nothing is there
    refuse_settings(config, {"max_length", "tokenizer", "vocab_size", "source_lang", "target_lang"},
                    tasks::kImageClassification);
    return std::make_unique<ImageWorkload>(config, progress);
  }
  throw UsageError(
      "compare", std::string("expected images, labelled or parallel texts, got ") + to_string(kind),
      config.data, "`braid train` learns from it");
}

std::vector<std::string> skippable_parts() {
  return {kRobustnessProbe, kLooksProbe, SampleEfficiencyProbe::kName};
}

}  // namespace braid::evaluate
