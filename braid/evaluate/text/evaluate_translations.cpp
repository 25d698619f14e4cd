#include "braid/evaluate/text/evaluate_translations.h"

#include <fmt/format.h>

#include <chrono>

#include "braid/core/error.h"
#include "braid/data/text/parallel_text.h"
#include "braid/evaluate/chosen_parts.h"
#include "braid/evaluate/split_name.h"
#include "braid/runtime/device.h"
#include "braid/tasks/predictor.h"
#include "braid/tasks/text/translation_scores.h"

namespace braid::evaluate {
namespace {

struct PairsSplit {
  std::string name;
  data::ParallelTextPtr pairs;
};

PairsSplit choose_pairs(const EvaluateRequest& request, const tasks::Translator& translator,
                        Progress& progress) {
  check_split_name(request.split);
  const bool trained = is_as_trained(request.split);
  const auto splits = data::open_parallel_text(
      request.data, as_trained(data::OpenParallelOptions{.source_lang = translator.source_lang,
                                                         .target_lang = translator.target_lang,
                                                         .for_training = trained},
                               request));
  for (const auto& line : splits.remarks) progress.line(line);
  if (trained) {
    const auto& pairs = request.split == "val" ? splits.val : splits.train;
    if (!pairs) throw DataError("eval", "the data has no split " + request.split, request.data);
    return {request.split, pairs};
  }
  if (splits.test() && request.split != "all") {
    if (splits.tests.size() > 1)
      progress.line(fmt::format("Of {} tests: {}.", splits.tests.size(), splits.tests[0].first));
    return {splits.tests[0].first, splits.test()};
  }
  const bool single =
      (splits.train != nullptr) + (splits.val != nullptr) + static_cast<int>(splits.tests.size()) ==
      1;
  if (single) return {"all", splits.train ? splits.train : splits.val ? splits.val : splits.test()};
  if (request.split == "auto") return {"val", splits.val ? splits.val : splits.train};
  throw DataError("eval", "the data has no single set of pairs for --split " + request.split,
                  request.data, "use --split val or test, or give SOURCE_FILE,TARGET_FILE");
}

}  // namespace

Evaluation evaluate_translations(const std::filesystem::path& checkpoint,
                                 const EvaluateRequest& request, Progress& progress) {
  auto translator = tasks::load_translator(checkpoint);
  translator.generation.num_return_sequences = 1;
  translator.model->to(runtime::resolve_device(request.device));
  const auto chosen = choose_pairs(request, translator, progress);
  const auto collate = std::make_shared<data::ParallelCollate>(chosen.pairs, translator.tokenizer,
                                                               translator.format);
  collate->prepare(at::get_num_threads());
  const auto start = std::chrono::steady_clock::now();
  const auto scores = tasks::score_translations(
      translator, chosen.pairs, collate,
      {.evaluate = request.options, .decoded_pairs = chosen.pairs->size()}, progress);
  for (const auto& score : scores.scores)
    tasks::expect_finite(torch::tensor(score.value, torch::kDouble));
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  if (scores.cut > 0)
    progress.line(
        fmt::format("{} sources are longer than {} tokens: their ends are not translated.",
                    scores.cut, translator.format.max_length));
  return {.architecture = translator.hub.architecture,
          .split = chosen.name,
          .items = "pairs",
          .count = scores.pairs,
          .bad_samples = scores.unread,
          .items_per_s = static_cast<double>(scores.pairs) / seconds.count(),
          .scores = scores.scores,
          .signatures = {"BLEU|" + scores.bleu_signature + " " + scores.bleu_text,
                         "chrF2|" + scores.chrf_signature},
          .classifier = {},
          .classes = {},
          .cut = {.count = scores.cut,
                  .of = scores.pairs,
                  .max_length = translator.format.max_length,
                  .items = "sources"}};
}

}  // namespace braid::evaluate
