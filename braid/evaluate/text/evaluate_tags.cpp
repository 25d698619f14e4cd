#include "braid/evaluate/text/evaluate_tags.h"

#include <fmt/format.h>

#include <chrono>

#include "braid/data/summary.h"
#include "braid/data/text/tagged_text.h"
#include "braid/data/text/text_dataset.h"
#include "braid/evaluate/chosen_parts.h"
#include "braid/evaluate/split_name.h"
#include "braid/runtime/device.h"
#include "braid/tasks/text/token_tagger.h"

namespace braid::evaluate {

Evaluation evaluate_tags(const std::filesystem::path& checkpoint, const EvaluateRequest& request,
                         Progress& progress) {
  check_split_name(request.split);
  const auto tagger = tasks::load_tokenized_model(checkpoint);
  tasks::expect_token_tagger(tagger, checkpoint);
  tagger.model->to(runtime::resolve_device(request.device));
  const auto splits = data::open_tagged_texts(
      request.data, {.tag_order = tagger.hub.classes,
                     .on_bad_sample = request.options.on_bad_sample,
                     .val_fraction = held_out_for_val<data::OpenTextOptions>(request)});
  for (const auto& line : data::remarks_on(splits.left_out, splits.remarks, request.data))
    progress.line(line);
  const auto chosen = choose_parts(splits, request.split, request.data);
  const auto part = only_part(chosen, request.data);
  const auto start = std::chrono::steady_clock::now();
  const auto scores = tasks::score_tags(tagger, part, request.options, progress);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  if (scores.cut_words > 0)
    progress.line(
        fmt::format("{} words of {} sentences lie beyond the model's {} tokens: they "
                    "count as O.",
                    scores.cut_words, scores.cut_sentences, tagger.max_length));
  const int64_t count = part->size() - scores.bad_samples;
  return {.architecture = tagger.hub.architecture,
          .split = chosen.name,
          .items = "sentences",
          .count = count,
          .bad_samples = scores.bad_samples + splits.bad_samples,
          .items_per_s = static_cast<double>(count) / seconds.count(),
          .scores = tasks::to_scores(scores, part->tags()),
          .classifier = {},
          .classes = tagger.hub.classes,
          .cut = {.count = scores.cut_sentences,
                  .of = count,
                  .max_length = tagger.max_length,
                  .items = "sentences"}};
}

}  // namespace braid::evaluate
