#include "braid/tasks/text/question_answering.h"

#include <algorithm>
#include <limits>

#include "braid/core/error.h"
#include "braid/data/sampler.h"
#include "braid/data/summary.h"
#include "braid/tasks/predictor.h"
#include "braid/tasks/split_part.h"
#include "braid/tasks/text/answer_finder.h"
#include "braid/tasks/text/starting_weights.h"
#include "braid/tasks/text/text_facts.h"

namespace braid::tasks {
namespace {

namespace F = torch::nn::functional;

constexpr int64_t kRowTokens = 384;  // run_qa.py's, where nobody says

// First the contexts, then what is asked of them.
text::TextSource contexts_and_questions(const data::Questions& questions) {
  return [&questions, next = size_t{0}](std::string& text) mutable {
    const auto& contexts = questions.contexts();
    const size_t i = next++;
    if (i < contexts.size()) {
      text = contexts[i];
      return true;
    }
    const auto at = static_cast<int64_t>(i - contexts.size());
    if (at >= questions.size()) return false;
    text = questions.get(at).text;
    return true;
  };
}

}  // namespace

QuestionAnswering::QuestionAnswering(const TaskConfig& config, WindowSplits windows,
                                     TokenizedModel model)
    : config_(config), windows_(std::move(windows)), model_(std::move(model)) {}

std::unique_ptr<data::Loader> QuestionAnswering::training_loader(
    const TrainingData& options) const {
  return std::make_unique<data::Loader>(
      std::make_shared<data::QuestionCollate>(windows_.train),
      std::make_unique<data::Shuffled>(windows_.train->size(), options.batch_size, options.seed),
      data::LoaderOptions{.workers = options.workers, .on_bad_sample = options.on_bad_sample});
}

Step QuestionAnswering::training_step(const data::Batch& batch) {
  const auto padding = batch.at(data::kAttentionMask).eq(0).unsqueeze(-1);  // [B,N,1]
  const auto logits =
      forward(batch).to(torch::kFloat).masked_fill(padding, std::numeric_limits<float>::lowest());
  const auto loss = [&](int64_t which, const char* labels) {
    return F::cross_entropy(logits.select(2, which), batch.at(labels));
  };
  return {(loss(0, data::kStartPositions) + loss(1, data::kEndPositions)) / 2,
          static_cast<double>(batch.size())};
}

Scores QuestionAnswering::evaluate(Split split, const EvaluateOptions& options,
                                   Progress& progress) {
  const auto& part = part_of(windows_, split);
  try {
    return score_questions(model_, part, config_.question, options, progress).scores();
  } catch (const NonFiniteOutputError&) {  // whoever trains it says what became of it
    return without_values(AnswerScores(part->questions().some_unanswerable()).scores());
  }
}

data::Summary QuestionAnswering::data() const {
  const auto size = [](const data::QuestionWindowsPtr& part) {
    return part ? part->questions().size() : 0;
  };
  data::Summary summary;
  summary.train = size(windows_.train);
  summary.val = size(windows_.val);
  summary.test = size(windows_.test);
  return summary;
}

void QuestionAnswering::save(const std::filesystem::path& folder) const {
  save_tokenized_model(model_, folder);
}

QuestionAnsweringData::QuestionAnsweringData(data::QuestionSplits splits, std::string spec,
                                             std::string on_bad_sample)
    : splits_(std::move(splits)), spec_(std::move(spec)), on_bad_sample_(std::move(on_bad_sample)) {
  if (!splits_.train || !splits_.val)
    throw DataError("data",
                    "expected questions on two contexts or more to train and validate with, got "
                    "fewer",
                    spec_);
}

std::vector<std::string> QuestionAnsweringData::remarks() const {
  return data::remarks_on(splits_.left_out, splits_.remarks, spec_);
}

TokenizedModel QuestionAnsweringData::make_model(const TaskConfig& config, int64_t seed,
                                                 Progress& progress) const {
  auto& tokenizer = tokenizers_[tokenizer_source(config, std::to_string(config.text.vocab_size))];
  if (!tokenizer)
    tokenizer = make_tokenizer(config, contexts_and_questions(*splits_.train), progress);
  const auto longest = [](int64_t most) { return std::min(most, kRowTokens); };
  return make_tokenized_model(config, models::TextHead::kQuestionAnswering, {}, tokenizer, seed,
                              longest, progress);
}

TrainingFacts QuestionAnsweringData::facts(const TaskConfig& config, const FactOptions& options,
                                           Progress& progress) const {
  const auto made = make_model(config, options.seed, progress);
  return text_facts(made, splits_.train->size(), config, options, [&] { return made.max_length; });
}

std::unique_ptr<Task> QuestionAnsweringData::make_task(const TaskConfig& config,
                                                       const TaskOptions& options,
                                                       Progress& progress) const {
  auto model = options.checkpoint.empty() ? make_model(config, options.seed, progress)
                                          : restore_tokenized_model(options.checkpoint);
  data::BadSamples bad(on_bad_sample_);
  const auto windows = [&](const data::QuestionsPtr& part) -> data::QuestionWindowsPtr {
    if (!part) return nullptr;
    return std::make_shared<const data::QuestionWindows>(
        part, model.tokenizer,
        data::WindowOptions{.max_length = model.max_length,
                            .doc_stride = config.question.doc_stride},
        bad);
  };
  WindowSplits splits{windows(splits_.train), windows(splits_.val), windows(splits_.test)};
  if (bad.count() > 0) progress.line("Left out: " + bad.last_message());
  if (splits.train->size() == 0 || splits.val->size() == 0)
    throw DataError("train", "expected questions that fit the model, got none", spec_,
                    "raise --max-length");
  return std::make_unique<QuestionAnswering>(config, std::move(splits), std::move(model));
}

}  // namespace braid::tasks
