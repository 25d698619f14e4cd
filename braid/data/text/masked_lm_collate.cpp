#include "braid/data/text/masked_lm_collate.h"

#include <fmt/format.h>

#include <algorithm>

#include "braid/core/error.h"

namespace braid::data {
namespace {

constexpr int64_t kNotAsked = -100;

// Where a second text may begin: the word nearest the middle that is not the first.
size_t middle_word(const TokenBlocks::Block& block) {
  const size_t middle = block.ids.size() / 2;
  for (size_t away = 0; away < block.ids.size(); ++away) {
    if (middle + away < block.ids.size() && block.begins_word[middle + away] != 0 &&
        middle + away > 0)
      return middle + away;
    if (away < middle && block.begins_word[middle - away] != 0) return middle - away;
  }
  return block.ids.size();
}

TokenBlocks::Block part_of(const TokenBlocks::Block& block, size_t begin, size_t end) {
  const auto from = static_cast<int64_t>(begin), to = static_cast<int64_t>(end);
  return {{block.ids.begin() + from, block.ids.begin() + to},
          {block.begins_word.begin() + from, block.begins_word.begin() + to}};
}

}  // namespace

MaskedLmCollate::MaskedLmCollate(TokenBlocksPtr blocks, text::TokenizerPtr tokenizer,
                                 const MaskingConfig& config)
    : blocks_(std::move(blocks)), tokenizer_(std::move(tokenizer)), config_(config) {
  const auto& special = tokenizer_->special();
  if (!(config_.probability > 0 && config_.probability < 1))
    throw ConfigError(
        "data", fmt::format("expected a probability between 0 and 1, got {}", config_.probability),
        "--mlm-probability");
  if (!special.mask)
    throw ConfigError("data", "expected a tokenizer with a mask token, got one without", "",
                      "take one that was made for masked language modelling, such as BERT's");
  if (!(config_.masked >= 0 && config_.replaced >= 0 && config_.masked + config_.replaced <= 1))
    throw ConfigError("data",
                      fmt::format("expected shares of masked and replaced tokens within 1, got {} "
                                  "and {}",
                                  config_.masked, config_.replaced));
  if (config_.others_end == 0) config_.others_end = blocks_->size();
  if (config_.next_sentence && config_.others_end > config_.others_begin &&
      blocks_->document_of(config_.others_begin) == blocks_->document_of(config_.others_end - 1))
    throw ConfigError("data", "expected blocks of several whole documents for next-sentence pairs");
  special_ = tokenizer_->special_ids();
}

int32_t MaskedLmCollate::random_token(Random& random) const {
  constexpr int kTries = 100;
  for (int i = 0; i < kTries; ++i) {
    const auto token = static_cast<int32_t>(random.below(tokenizer_->vocab_size()));
    if (!std::binary_search(special_.begin(), special_.end(), token)) return token;
  }
  return *tokenizer_->special().mask;  // a vocabulary of next to nothing else
}

// The later half of another document's block.
TokenBlocks::Block MaskedLmCollate::second_text(int64_t index, Random& random) const {
  const int64_t document = blocks_->document_of(index);
  const int64_t begin = config_.others_begin, end = config_.others_end;
  int64_t other = begin + random.below(end - begin);
  while (blocks_->document_of(other) == document) other = other + 1 == end ? begin : other + 1;
  const auto block = blocks_->get(other);
  const size_t middle = middle_word(block);
  return part_of(block, middle < block.ids.size() ? middle : 0, block.ids.size());
}

void MaskedLmCollate::mask(Masked& masked, const std::vector<uint8_t>& begins_word,
                           const std::vector<uint8_t>& special, Random& random) const {
  auto& ids = masked.row.ids;
  masked.labels.assign(ids.size(), kNotAsked);
  std::vector<char> asked(ids.size());
  std::vector<size_t> starts;  // of what is chosen at once
  for (size_t i = 0; i < ids.size(); ++i) {
    if (special[i] != 0) continue;
    if (config_.whole_words && begins_word[i] == 0 && i > 0 && special[i - 1] == 0) {
      asked[i] = asked[i - 1];
      continue;
    }
    starts.push_back(i);
    asked[i] = static_cast<char>(random.uniform() < config_.probability);
  }
  if (starts.empty()) return;
  if (std::find(asked.begin(), asked.end(), 1) == asked.end()) {
    const size_t first =
        starts[static_cast<size_t>(random.below(static_cast<int64_t>(starts.size())))];
    asked[first] = 1;
    for (size_t i = first + 1;
         config_.whole_words && i < ids.size() && special[i] == 0 && begins_word[i] == 0; ++i)
      asked[i] = 1;
  }
  for (size_t i = 0; i < ids.size(); ++i) {
    if (asked[i] == 0) continue;
    masked.labels[i] = ids[i];
    const double kind = random.uniform();
    if (kind < config_.masked)
      ids[i] = *tokenizer_->special().mask;
    else if (kind < config_.masked + config_.replaced)
      ids[i] = random_token(random);
  }
  if (!config_.draws) return;
  masked.draws.assign(ids.size(), 0);
  for (size_t i = 0; i < ids.size(); ++i)
    if (asked[i] != 0) masked.draws[i] = random.uniform();
}

MaskedLmCollate::Masked MaskedLmCollate::make_row(int64_t index, int64_t epoch) const {
  const auto& special = tokenizer_->special();
  const auto start = special.cls ? special.cls : special.bos;
  const auto separator = special.sep ? special.sep : special.eos;
  Random random(static_cast<uint64_t>(config_.seed), static_cast<uint64_t>(epoch),
                static_cast<uint64_t>(index));
  Masked masked;
  std::vector<uint8_t> begins_word, is_special;
  const auto add = [&](int32_t id, int32_t type, uint8_t begins, bool never) {
    masked.row.ids.push_back(id);
    masked.row.type_ids.push_back(type);
    begins_word.push_back(begins);
    is_special.push_back(never || std::binary_search(special_.begin(), special_.end(), id) ? 1 : 0);
  };
  const auto add_text = [&](const TokenBlocks::Block& block, int32_t type) {
    for (size_t i = 0; i < block.ids.size(); ++i)
      add(block.ids[i], type, block.begins_word[i], false);
    if (separator) add(*separator, type, 1, true);
  };
  if (start) add(*start, 0, 1, true);
  const auto block = blocks_->get(index);
  const size_t middle = config_.next_sentence ? middle_word(block) : block.ids.size();
  if (!config_.next_sentence) {
    add_text(block, 0);
  } else {
    // A text of one word has nothing that follows.
    masked.next_sentence = random.uniform() < 0.5 || middle == block.ids.size() ? 1 : 0;
    auto second = masked.next_sentence == 1 ? second_text(index, random)
                                            : part_of(block, middle, block.ids.size());
    const size_t room = static_cast<size_t>(blocks_->room()) -
                        std::min(middle, static_cast<size_t>(blocks_->room()) - 1);
    if (second.ids.size() > room) second = part_of(second, 0, room);
    const size_t first = std::min(middle, static_cast<size_t>(blocks_->room()) - 1);
    add_text(part_of(block, 0, first), 0);
    add_text(second, 1);
  }
  mask(masked, begins_word, is_special, random);
  return masked;
}

Batch MaskedLmCollate::operator()(const std::vector<int64_t>& indices, const Place& place,
                                  BadSamples& bad) const {
  Batch batch;
  std::vector<TokenRow> rows;
  std::vector<std::vector<int64_t>> labels;
  std::vector<std::vector<double>> draws;
  std::vector<int64_t> next;
  for (const int64_t index : indices) {
    Masked masked;
    if (!bad.guard([&] { masked = make_row(index, place.epoch); })) continue;
    rows.push_back(std::move(masked.row));
    labels.push_back(std::move(masked.labels));
    draws.push_back(std::move(masked.draws));
    next.push_back(masked.next_sentence);
    batch.indices.push_back(index);
  }
  pad_rows(rows, *tokenizer_, batch);
  const int64_t width = batch.at(kInputIds).size(1);
  auto all = torch::full({batch.size(), width}, kNotAsked, torch::kInt64);
  for (size_t i = 0; i < labels.size(); ++i)
    std::copy(labels[i].begin(), labels[i].end(),
              all.data_ptr<int64_t>() + static_cast<int64_t>(i) * width);
  batch.tensors[kLabels] = all;
  if (config_.draws) {
    auto drawn = torch::zeros({batch.size(), width}, torch::kDouble);
    for (size_t i = 0; i < draws.size(); ++i)
      std::copy(draws[i].begin(), draws[i].end(),
                drawn.data_ptr<double>() + static_cast<int64_t>(i) * width);
    batch.tensors[kDraws] = drawn;
  }
  if (config_.next_sentence) batch.tensors[kNextSentenceLabel] = torch::tensor(next, torch::kInt64);
  return batch;
}

}  // namespace braid::data
