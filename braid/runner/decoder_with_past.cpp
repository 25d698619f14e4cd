#include "braid/runner/decoder_with_past.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <string_view>
#include <utility>

#include "braid/core/error.h"
#include "braid/decoding/encoder_decoder_files.h"
#include "braid/runner/part_checks.h"

namespace braid::runner {
namespace {

constexpr int64_t kWordsBetweenReleases = 16;
constexpr size_t kRankOfKept = 4;  // [rows, heads, words, width]

bool has_value(const std::vector<FileValue>& values, const std::string& name) {
  return std::any_of(values.begin(), values.end(),
                     [&](const FileValue& value) { return value.name == name; });
}

// Of two files, of which either may leave a size free.
bool may_fit(const Dims& a, const Dims& b) {
  for (size_t d = 0; d < a.size(); ++d)
    if (a[d] >= 0 && b[d] >= 0 && a[d] != b[d]) return false;
  return true;
}

// Whether each row goes on from itself.
bool stay(const std::vector<int64_t>& parents, int64_t rows) {
  if (static_cast<int64_t>(parents.size()) != rows) return false;
  for (size_t i = 0; i < parents.size(); ++i)
    if (parents[i] != static_cast<int64_t>(i)) return false;
  return true;
}

}  // namespace

DecoderWithPast::DecoderWithPast(const Session& first, std::unique_ptr<Session> next,
                                 int64_t vocab_size)
    : first_(first), next_(std::move(next)) {
  needed_value(*next_, next_->inputs(), kWrittenIds, DType::kInt64, 2);
  needed_value(*next_, next_->inputs(), kSourceMask, DType::kInt64, 2);
  const int64_t words =
      fixed_size(*next_, needed_value(*next_, next_->outputs(), kNextLogits, DType::kFloat, 3));
  if (words != vocab_size)
    refuse_part(*next_,
                fmt::format("logits of {} words, as {} has them", vocab_size, first.where()),
                std::to_string(words), kNextLogits);
  logits_ = place_of(*next_, next_->outputs(), kNextLogits);
  find_kept(first);
  check_outputs();
}

void DecoderWithPast::find_kept(const Session& first) {
  const std::string_view past = decoding::kPastPrefix;
  for (const auto& input : next_->inputs()) {
    if (input.name == kWrittenIds || input.name == kSourceMask) continue;
    if (!input.name.starts_with(past))
      refuse_part(*next_, fmt::format("{}, {} and {}.. as inputs", kWrittenIds, kSourceMask, past),
                  "'" + input.name + "'");
    Kept kept{.name = input.name.substr(past.size())};
    const auto present = decoding::kPresentPrefix + kept.name;
    needed_value(*next_, next_->inputs(), input.name, DType::kFloat, kRankOfKept);
    const auto& given = needed_value(first, first.outputs(), present, DType::kFloat, kRankOfKept);
    if (!may_fit(given.dims, input.dims))
      refuse_part(*next_,
                  fmt::format("'{}' of the sizes {} that {} gives", input.name,
                              to_string(given.dims), first.where()),
                  to_string(input.dims));
    kept.of_first = place_of(first, first.outputs(), present);
    if (has_value(next_->outputs(), present)) {
      needed_value(*next_, next_->outputs(), present, DType::kFloat, kRankOfKept);
      kept.of_next = place_of(*next_, next_->outputs(), present);
    }
    kept_.push_back(std::move(kept));
  }
  const bool any_grows = std::any_of(kept_.begin(), kept_.end(),
                                     [](const Kept& kept) { return kept.of_next.has_value(); });
  if (!any_grows)
    refuse_part(*next_, fmt::format("{}.. of the words before", past),
                "none that words are added to");
}

// Whatever a decoder gives beside its logits is read again.
void DecoderWithPast::check_outputs() const {
  for (const auto& output : next_->outputs()) {
    const bool known = output.name == kNextLogits ||
                       std::any_of(kept_.begin(), kept_.end(), [&](const Kept& kept) {
                         return decoding::kPresentPrefix + kept.name == output.name;
                       });
    if (!known) refuse_part(*next_, "outputs that are inputs too", "'" + output.name + "'");
  }
}

void DecoderWithPast::forget() {
  for (auto& kept : kept_) kept.value = {};
  mask_ = {};
  rows_ = length_ = 0;
}

void DecoderWithPast::check_rows(const Session& session, const Tensor& value,
                                 const std::string& name) const {
  if (value.rank() < 1 || value.dim(0) != rows_)
    refuse_part(session, fmt::format("{} rows of '{}{}'", rows_, decoding::kPresentPrefix, name),
                to_string(value.dims()));
}

void DecoderWithPast::keep(const std::vector<Tensor>& outputs, int64_t rows, int64_t length,
                           int64_t source_length) {
  forget();
  rows_ = rows;
  for (auto& kept : kept_) {
    kept.value = outputs.at(kept.of_first);
    check_rows(first_, kept.value, kept.name);
  }
  mask_ = all_tokens(*next_, rows, source_length);
  length_ = length;
}

// [rows,..] -> [parents,..].
Tensor DecoderWithPast::rows_of(const Tensor& value, const std::vector<int64_t>& parents) const {
  Dims dims = value.dims();
  dims[0] = static_cast<int64_t>(parents.size());
  Tensor chosen = next_->make(value.dtype(), std::move(dims));
  const size_t bytes = value.byte_size() / static_cast<size_t>(rows_);
  for (size_t row = 0; row < parents.size() && bytes > 0; ++row)
    std::memcpy(chosen.raw() + row * bytes, value.raw() + static_cast<size_t>(parents[row]) * bytes,
                bytes);
  return chosen;
}

void DecoderWithPast::choose_rows(const std::vector<int64_t>& parents) {
  if (stay(parents, rows_)) return;
  for (const int64_t parent : parents)
    if (parent < 0 || parent >= rows_)
      throw InternalError(
          "runner", fmt::format("expected one of {} rows to go on from, got {}", rows_, parent));
  const auto count = static_cast<int64_t>(parents.size());
  // What is kept of the text that was read is the same in each row.
  for (auto& kept : kept_)
    if (kept.of_next || count != rows_) kept.value = rows_of(kept.value, parents);
  if (count != rows_) mask_ = all_tokens(*next_, count, mask_.dim(1));
  rows_ = count;
}

Tensor DecoderWithPast::next(const std::vector<int64_t>& words,
                             const std::vector<int64_t>& parents) {
  choose_rows(parents);
  Tensor ids = next_->make(DType::kInt64, {rows_, 1});
  std::copy(words.begin(), words.end(), ids.as<int64_t>());
  std::map<std::string, Tensor> inputs = {{kWrittenIds, std::move(ids)}, {kSourceMask, mask_}};
  for (const auto& kept : kept_) inputs.emplace(decoding::kPastPrefix + kept.name, kept.value);
  auto outputs = next_->run(inputs);
  for (auto& kept : kept_) {
    if (!kept.of_next) continue;
    kept.value = std::move(outputs.at(*kept.of_next));
    check_rows(*next_, kept.value, kept.name);
  }
  // What is kept grows with each word, and what it lay in becomes too small.
  if (++length_ % kWordsBetweenReleases == 0) next_->release_memory();
  return outputs.at(logits_);
}

}  // namespace braid::runner
