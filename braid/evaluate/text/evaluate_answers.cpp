#include "braid/evaluate/text/evaluate_answers.h"

#include <chrono>

#include "braid/data/summary.h"
#include "braid/data/text/questions.h"
#include "braid/data/text/text_dataset.h"
#include "braid/evaluate/chosen_parts.h"
#include "braid/evaluate/split_name.h"
#include "braid/runtime/device.h"
#include "braid/tasks/text/answer_finder.h"

namespace braid::evaluate {

Evaluation evaluate_answers(const std::filesystem::path& checkpoint, const EvaluateRequest& request,
                            Progress& progress) {
  check_split_name(request.split);
  const auto model = tasks::load_tokenized_model(checkpoint);
  tasks::expect_question_answerer(model, checkpoint);
  model.model->to(runtime::resolve_device(request.device));
  const auto splits = data::open_questions(
      request.data, {.on_bad_sample = request.options.on_bad_sample,
                     .val_fraction = held_out_for_val<data::OpenTextOptions>(request)});
  for (const auto& line : data::remarks_on(splits.left_out, splits.remarks, request.data))
    progress.line(line);
  const auto chosen = choose_parts(splits, request.split, request.data);
  const auto part = only_part(chosen, request.data);
  const auto start = std::chrono::steady_clock::now();
  data::BadSamples bad(request.options.on_bad_sample);
  const auto windows = std::make_shared<const data::QuestionWindows>(
      part, model.tokenizer, data::WindowOptions{.max_length = model.max_length}, bad);
  const auto scores =
      tasks::score_questions(model, windows, tasks::QuestionOptions(), request.options, progress);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  return {.architecture = model.hub.architecture,
          .split = chosen.name,
          .items = "questions",
          .count = scores.count(),
          .bad_samples = bad.count() + splits.bad_samples,
          .items_per_s = static_cast<double>(scores.count()) / seconds.count(),
          .scores = scores.scores(),
          .classifier = {},
          .classes = {}};
}

}  // namespace braid::evaluate
