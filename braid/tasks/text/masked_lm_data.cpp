#include "braid/tasks/text/masked_lm_data.h"

#include <algorithm>

#include "braid/core/cpu.h"
#include "braid/core/error.h"
#include "braid/data/summary.h"
#include "braid/tasks/text/starting_weights.h"
#include "braid/tasks/text/text_facts.h"

namespace braid::tasks {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kBlockLength = 128;  // tokens, where nobody says

models::TextHead head_of(const TaskConfig& config) {
  return config.text.next_sentence ? models::TextHead::kPreTraining : models::TextHead::kMaskedLm;
}

// Texts of the files, line by line.
text::TextSource texts_of(const std::vector<fs::path>& files, const std::string& on_bad_sample) {
  struct State {
    State(const std::vector<fs::path>& files, const std::string& on_bad_sample)
        : bad(on_bad_sample), lines(files, data::Documents::kLines, bad) {}
    data::BadSamples bad;  // said where the texts are tokenized
    data::DocumentReader lines;
  };
  return [state = std::make_shared<State>(files, on_bad_sample)](std::string& text) {
    auto line = state->lines.next();
    if (line) text = std::move(*line);
    return line.has_value();
  };
}

}  // namespace

MaskedLmData::MaskedLmData(data::PlainTextFiles files, std::string spec, double val_fraction,
                           std::string on_bad_sample)
    : files_(std::move(files)),
      spec_(std::move(spec)),
      val_fraction_(val_fraction),
      on_bad_sample_(std::move(on_bad_sample)) {}

std::vector<std::string> MaskedLmData::remarks() const {
  return data::remarks_on(files_.left_out, files_.remarks, spec_);
}

TokenizedModel MaskedLmData::make_model(const TaskConfig& config, models::TextHead head,
                                        int64_t seed, Progress& progress) const {
  auto& tokenizer = tokenizers_[tokenizer_source(config, std::to_string(config.text.vocab_size))];
  if (!tokenizer)
    tokenizer = make_tokenizer(config, texts_of(files_.train, on_bad_sample_), progress);
  const auto longest = [](int64_t most) { return std::min(most, kBlockLength); };
  return make_tokenized_model(config, head, {}, tokenizer, seed, longest, progress);
}

const MaskedLmBlocks& MaskedLmData::blocks_for(const TaskConfig& config,
                                               const TokenizedModel& model,
                                               Progress& progress) const {
  constexpr int64_t kMostVal = 2000;  // blocks
  auto& blocks = blocks_[model.tokenizer.get()];
  if (blocks.train) return blocks;
  const data::TokenBlockOptions options{.block_length = model.max_length,
                                        .whole_documents = config.text.next_sentence,
                                        .threads = usable_cpus(),
                                        .on_bad_sample = on_bad_sample_};
  const auto read = [&](const std::vector<fs::path>& files) {
    return std::make_shared<const data::TokenBlocks>(files, *model.tokenizer, options, progress);
  };
  blocks.train = read(files_.train);
  blocks.train_size = blocks.train->size();
  if (!files_.val.empty()) {
    blocks.val = read(files_.val);
    return blocks;
  }
  const auto wanted =
      static_cast<int64_t>(val_fraction_ * static_cast<double>(blocks.train->size()));
  const int64_t val = std::clamp<int64_t>(wanted, 1, kMostVal);
  if (blocks.train->size() <= val)
    throw DataError("train", "expected text for two blocks of tokens or more, got less", spec_,
                    "give more text, or a smaller --max-length");
  blocks.val = blocks.train;
  blocks.train_size = blocks.val_begin = blocks.train->size() - val;
  return blocks;
}

TrainingFacts MaskedLmData::facts_with(models::TextHead head, const TaskConfig& config,
                                       const FactOptions& options, Progress& progress) const {
  const auto made = make_model(config, head, options.seed, progress);
  return text_facts(made, blocks_for(config, made, progress).train_size, config, options,
                    [&] { return made.max_length; });
}

TrainingFacts MaskedLmData::facts(const TaskConfig& config, const FactOptions& options,
                                  Progress& progress) const {
  return facts_with(head_of(config), config, options, progress);
}

std::unique_ptr<Task> MaskedLmData::make_task(const TaskConfig& config, const TaskOptions& options,
                                              Progress& progress) const {
  auto model = options.checkpoint.empty()
                   ? make_model(config, head_of(config), options.seed, progress)
                   : restore_tokenized_model(options.checkpoint);
  auto blocks = blocks_for(config, model, progress);
  return std::make_unique<MaskedLm>(config, std::move(blocks), std::move(model));
}

}  // namespace braid::tasks
