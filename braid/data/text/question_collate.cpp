#include "braid/data/text/question_collate.h"

#include <fmt/format.h>

#include <algorithm>

#include "braid/core/error.h"

namespace braid::data {
namespace {

template <class T>
void append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

}  // namespace

QuestionWindows::QuestionWindows(QuestionsPtr questions, text::TokenizerPtr tokenizer,
                                 const WindowOptions& options, BadSamples& bad)
    : questions_(std::move(questions)), tokenizer_(std::move(tokenizer)) {
  const auto pair = tokenizer_->encode_pair("a", "b");
  const auto alone =
      static_cast<int64_t>(tokenizer_->encode("a", {.add_special_tokens = false}).ids.size());
  int64_t texts = 0;  // tokens of the texts so far
  for (size_t i = 0; i < pair.ids.size(); ++i) {
    if (pair.special_tokens[i] == 0) {
      (texts < alone ? frame_.first_type : frame_.second_type) = pair.type_ids[i];
      ++texts;
      continue;
    }
    const bool before = texts == 0, between = !before && texts <= alone;
    (before ? frame_.before : between ? frame_.between : frame_.after).push_back(pair.ids[i]);
    (before    ? frame_.before_types
     : between ? frame_.between_types
               : frame_.after_types)
        .push_back(pair.type_ids[i]);
  }
  // A text that cannot be written in tokens is its questions' fault.
  std::vector<std::string> unreadable(questions_->contexts().size());
  for (size_t i = 0; i < unreadable.size(); ++i) {
    contexts_.emplace_back();
    try {
      auto encoding = tokenizer_->encode(questions_->contexts()[i], {.add_special_tokens = false});
      contexts_.back() = {std::move(encoding.ids), std::move(encoding.offsets)};
    } catch (const DataError& e) {
      unreadable[i] = e.what();
    }
  }
  const auto special =
      static_cast<int64_t>(frame_.before.size() + frame_.between.size() + frame_.after.size());
  for (int64_t q = 0; q < questions_->size(); ++q) {
    const auto& question = questions_->get(q);
    asked_.emplace_back();
    bad.guard([&] {
      if (const auto& why = unreadable[static_cast<size_t>(question.context)]; !why.empty())
        throw DataError("data", why, question.place);
      asked_.back() = tokenizer_->encode(question.text, {.add_special_tokens = false}).ids;
      const auto tokens = static_cast<int64_t>(asked_.back().size());
      const int64_t room = options.max_length - special - tokens;
      const auto all =
          static_cast<int64_t>(contexts_[static_cast<size_t>(question.context)].ids.size());
      if (room < 1)
        throw DataError("data",
                        fmt::format("expected a question that leaves room for its context in {} "
                                    "tokens, got one of {} tokens",
                                    options.max_length, tokens),
                        question.place,
                        "shorten it, train with a larger --max-length, or leave it out "
                        "(--on-bad-sample skip)");
      if (all == 0)
        throw DataError("data", "expected a context of tokens, got one without", question.place);
      const int64_t step = room - std::min(options.doc_stride, room - 1);
      for (int64_t first = 0;; first += step) {
        const int64_t count = std::min(room, all - first);
        windows_.push_back({q, first, count});
        if (first + count == all) break;
      }
    });
  }
}

int64_t QuestionWindows::context_begin(const Window& window) const {
  return static_cast<int64_t>(frame_.before.size() + frame_.between.size() +
                              asked_[static_cast<size_t>(window.question)].size());
}

TokenRow QuestionWindows::row(int64_t index) const {
  const auto& window = get(index);
  const auto& asked = asked_[static_cast<size_t>(window.question)];
  const auto& context =
      contexts_[static_cast<size_t>(questions_->get(window.question).context)].ids;
  TokenRow row{frame_.before, frame_.before_types};
  append(row.ids, asked);
  row.type_ids.resize(row.ids.size(), frame_.first_type);
  append(row.ids, frame_.between);
  append(row.type_ids, frame_.between_types);
  row.ids.insert(row.ids.end(), context.begin() + window.first,
                 context.begin() + window.first + window.count);
  row.type_ids.resize(row.ids.size(), frame_.second_type);
  append(row.ids, frame_.after);
  append(row.type_ids, frame_.after_types);
  return row;
}

std::vector<std::optional<text::Span>> QuestionWindows::spans(int64_t index) const {
  const auto& window = get(index);
  const auto& offsets =
      contexts_[static_cast<size_t>(questions_->get(window.question).context)].offsets;
  std::vector<std::optional<text::Span>> spans(static_cast<size_t>(context_begin(window)));
  spans.insert(spans.end(), offsets.begin() + window.first,
               offsets.begin() + window.first + window.count);
  spans.resize(spans.size() + frame_.after.size());
  return spans;
}

std::pair<int64_t, int64_t> QuestionWindows::positions(int64_t index) const {
  const auto& window = get(index);
  const auto& question = questions_->get(window.question);
  if (question.answers.empty()) return {0, 0};
  const size_t begin = question.answers[0].begin, end = begin + question.answers[0].text.size();
  const auto& offsets = contexts_[static_cast<size_t>(question.context)].offsets;
  const auto at = [&](int64_t token) { return offsets[static_cast<size_t>(token)]; };
  int64_t first = window.first, last = window.first + window.count - 1;
  if (at(first).begin > begin || at(last).end < end) return {0, 0};
  while (first < last && at(first + 1).begin <= begin) ++first;
  while (last > first && at(last - 1).end >= end) --last;
  const int64_t shift = context_begin(window) - window.first;
  return {first + shift, last + shift};
}

Batch QuestionCollate::operator()(const std::vector<int64_t>& indices, const Place&,
                                  BadSamples&) const {
  Batch batch;
  std::vector<TokenRow> rows;
  std::vector<int64_t> starts, ends;
  for (const int64_t index : indices) {
    rows.push_back(windows_->row(index));
    const auto [start, end] = windows_->positions(index);
    starts.push_back(start);
    ends.push_back(end);
    batch.indices.push_back(index);
  }
  pad_rows(rows, windows_->tokenizer(), batch);
  batch.tensors[kStartPositions] = torch::tensor(starts, torch::kInt64);
  batch.tensors[kEndPositions] = torch::tensor(ends, torch::kInt64);
  return batch;
}

}  // namespace braid::data
