#include "braid/evaluate/text/evaluate_texts.h"

#include "braid/data/summary.h"
#include "braid/data/text/text_dataset.h"
#include "braid/evaluate/evaluate_classifier.h"
#include "braid/evaluate/split_name.h"
#include "braid/runtime/device.h"
#include "braid/tasks/text/text_classifier.h"

namespace braid::evaluate {
namespace {

ChosenParts<data::TextDatasetPtr> choose_texts(const EvaluateRequest& request,
                                               const std::vector<std::string>& classes,
                                               Progress& progress) {
  check_split_name(request.split);
  const data::TextSourceOptions source{.class_order = classes,
                                       .on_bad_sample = request.options.on_bad_sample};
  const auto splits =
      is_as_trained(request.split)
          ? data::open_text_dataset(request.data,
                                    as_trained(data::OpenTextOptions{.source = source}, request))
          : data::open_text_source(request.data, source);
  for (const auto& line : data::remarks_on(splits.left_out, splits.remarks, request.data))
    progress.line(line);
  return choose_parts(splits, request.split, request.data);
}

}  // namespace

Evaluation evaluate_texts(const std::filesystem::path& checkpoint, const EvaluateRequest& request,
                          Progress& progress) {
  const auto classifier = tasks::load_text_classifier(checkpoint);
  classifier.model->to(runtime::resolve_device(request.device));
  const auto chosen = choose_texts(request, classifier.hub.classes, progress);
  Evaluation out{.architecture = classifier.hub.architecture,
                 .split = {},
                 .items = "texts",
                 .scores = {},
                 .classifier = {},
                 .classes = classifier.hub.classes};
  evaluate_parts(
      chosen, classifier.model->num_labels(), request.data,
      [&](const data::TextDatasetPtr& part, const tasks::SeeLogits& see) {
        data::CutExamples cut;
        const auto unread =
            tasks::run_texts(classifier, part, request.options, progress, see, &cut);
        out.cut += cut;
        return unread;
      },
      out);
  if (out.cut.count > 0) progress.line(to_text(out.cut) + ".");
  return out;
}

}  // namespace braid::evaluate
