#include "braid/data/text/parallel_collate.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "braid/core/error.h"
#include "braid/data/bad_samples.h"
#include "braid/data/each_index.h"

namespace braid::data {
namespace {

constexpr int64_t kIgnored = -100;                // a label that is none
constexpr int64_t kMostKept = int64_t{64} << 20;  // tokens

int32_t needed_token(const std::optional<int32_t>& id, const char* what,
                     const text::Tokenizer& tokenizer) {
  if (!id)
    throw ConfigError("data",
                      fmt::format("expected a tokenizer with {}, got one of kind {} without", what,
                                  tokenizer.kind()),
                      "--tokenizer", "leave it empty, and one is learned from the training texts");
  return *id;
}

using TokenRows = std::vector<const std::vector<int32_t>*>;

int64_t longest_of(const TokenRows& rows) {
  size_t longest = 0;
  for (const auto* row : rows) longest = std::max(longest, row->size());
  return static_cast<int64_t>(longest);
}

// TokenRows of numbers as one tensor [B,N], N the longest one's.
torch::Tensor padded_rows(const TokenRows& rows, int64_t filling) {
  const int64_t longest = longest_of(rows);
  auto tensor = torch::full({static_cast<int64_t>(rows.size()), longest}, filling, torch::kInt64);
  auto* to = tensor.data_ptr<int64_t>();
  for (const auto* row : rows) {
    std::copy(row->begin(), row->end(), to);
    to += longest;
  }
  return tensor;
}

// [B,N], 1 where a row has a number.
torch::Tensor mask_of(const TokenRows& rows) {
  std::vector<int64_t> lengths;
  for (const auto* row : rows) lengths.push_back(static_cast<int64_t>(row->size()));
  return torch::arange(longest_of(rows)).lt(torch::tensor(lengths).unsqueeze(1)).to(torch::kInt64);
}

}  // namespace

SequenceFormat sequence_format(const text::Tokenizer& tokenizer, int64_t max_length) {
  const auto& special = tokenizer.special();
  SequenceFormat format{.max_length = max_length};
  format.pad = needed_token(special.pad, "a padding token", tokenizer);
  format.eos =
      needed_token(special.eos ? special.eos : special.sep, "a token that ends a text", tokenizer);
  format.decoder_start = format.pad;
  return format;
}

Batch make_source_batch(const std::vector<const Sequence*>& rows, const SequenceFormat& format) {
  TokenRows ids;
  Batch batch;
  for (const auto* row : rows) {
    batch.indices.push_back(static_cast<int64_t>(ids.size()));
    ids.push_back(&row->ids);
  }
  batch.tensors[kInputIds] = padded_rows(ids, format.pad);
  batch.tensors[kAttentionMask] = mask_of(ids);
  return batch;
}

ParallelCollate::ParallelCollate(ParallelTextPtr pairs, text::TokenizerPtr tokenizer,
                                 const SequenceFormat& format)
    : pairs_(std::move(pairs)), tokenizer_(std::move(tokenizer)), format_(format) {}

ParallelCollate::SequencePair ParallelCollate::make_pair(int64_t index) const {
  // A byte more than is tokenized, which shows that there is more.
  const uint64_t most = tokenizer_->truncates_left() ? ~uint64_t{0} : text::most_bytes_of(format_);
  const auto texts = pairs_->get(index, most + (most < ~uint64_t{0} ? 1 : 0));
  return {.source = make_sequence(texts.source, *tokenizer_, format_),
          .target = make_target_sequence(texts.target, *tokenizer_, format_)};
}

Batch ParallelCollate::operator()(const std::vector<int64_t>& indices, const Place&,
                                  BadSamples& bad) const {
  std::vector<SequencePair> made;
  made.reserve(indices.size());
  std::vector<const SequencePair*> pairs;
  Batch batch;
  for (const int64_t index : indices) {
    if (!kept_.empty() && !kept_[static_cast<size_t>(index)].source.ids.empty()) {
      pairs.push_back(&kept_[static_cast<size_t>(index)]);
    } else {
      if (!bad.guard([&] { made.push_back(make_pair(index)); })) continue;
      pairs.push_back(&made.back());
    }
    batch.indices.push_back(index);
  }
  if (pairs.empty()) return batch;
  TokenRows sources, targets;
  for (const auto* pair : pairs) {
    sources.push_back(&pair->source.ids);
    targets.push_back(&pair->target.ids);
  }
  batch.tensors[kInputIds] = padded_rows(sources, format_.pad);
  batch.tensors[kAttentionMask] = mask_of(sources);
  batch.tensors[kLabels] = padded_rows(targets, kIgnored);
  batch.tensors[kDecoderAttentionMask] = mask_of(targets);
  const auto target = padded_rows(targets, format_.pad);
  const auto start = torch::full({target.size(0), 1}, format_.decoder_start, torch::kInt64);
  const auto shifted = torch::cat({start, target.narrow(1, 0, target.size(1) - 1)}, 1);
  batch.tensors[kDecoderInputIds] =
      shifted.masked_fill(batch.at(kDecoderAttentionMask) == 0, format_.pad);
  return batch;
}

void ParallelCollate::prepare(int64_t threads) {
  const auto count = static_cast<size_t>(pairs_->size());
  std::vector<SequencePair> kept(count);
  lengths_.assign(2, std::vector<int64_t>(count, 1));
  std::atomic<int64_t> tokens{0}, cut{0};
  for_each_index(count, threads, [&](size_t i) {
    SequencePair pair;
    if (!can_read([&] { pair = make_pair(static_cast<int64_t>(i)); })) return;
    lengths_[0][i] = static_cast<int64_t>(pair.source.ids.size());
    lengths_[1][i] = static_cast<int64_t>(pair.target.ids.size());
    if (pair.source.cut || pair.target.cut) ++cut;
    const int64_t so_far = tokens += lengths_[0][i] + lengths_[1][i];
    if (so_far <= kMostKept) kept[i] = std::move(pair);
  });
  cut_pairs_ = cut;
  kept_.clear();
  if (tokens <= kMostKept) kept_ = std::move(kept);
}

}  // namespace braid::data
