#include "braid/export/text_batches.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <utility>

#include "braid/data/text/tagged_collate.h"

namespace braid::onnx {
namespace {

using torch::Tensor;

constexpr size_t kRowsOfOneLength = 16, kRowsPadded = 64;

int64_t tokens_of(const data::Batch& row) { return row.at(data::kInputIds).size(1); }

void put_shortest_first(std::vector<data::Batch>& rows) {
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return tokens_of(a) < tokens_of(b); });
}

}  // namespace

std::vector<data::Batch> TextBatches::rows(const data::Collate& collate,
                                           const std::vector<int64_t>& positions,
                                           const std::string& on_bad_sample) const {
  data::BadSamples bad(on_bad_sample);
  std::vector<data::Batch> rows;
  for (const int64_t position : positions) {
    auto row = collate({position}, {}, bad);
    if (row.size() > 0) rows.push_back(std::move(row));
  }
  return rows;
}

TokenCount TextBatches::count(const std::vector<data::Batch>& rows) const {
  const auto& special = tokenizer_.special();
  std::set<int64_t> around;
  for (const auto& token : {special.pad, special.cls, special.sep, special.bos, special.eos})
    if (token) around.insert(*token);
  TokenCount count;
  for (const auto& row : rows) {
    const auto ids = row.at(data::kInputIds).contiguous();
    const auto* numbers = ids.const_data_ptr<int64_t>();
    for (int64_t i = 0; i < ids.numel(); ++i) {
      if (around.contains(numbers[i])) continue;
      ++count.words;
      if (special.unk && numbers[i] == *special.unk) ++count.unknown;
    }
    if (max_length_ > 0 && ids.size(1) >= max_length_) ++count.full;
  }
  return count;
}

data::Batch TextBatches::join(const std::vector<data::Batch>& rows, size_t begin,
                              size_t end) const {
  data::Batch batch;
  int64_t longest = 0;
  for (size_t i = begin; i < end; ++i) {
    longest = std::max(longest, tokens_of(rows[i]));
    batch.indices.push_back(rows[i].indices.at(0));
  }
  const auto& special = tokenizer_.special();
  const int64_t pad = special.pad ? *special.pad : special.eos.value_or(0);
  const std::map<std::string, int64_t> paddings = {{data::kInputIds, pad},
                                                   {data::kLabels, data::kNoTag}};
  for (const auto& named : rows.at(begin).tensors) {
    const auto& name = named.first;
    const auto padding = paddings.contains(name) ? paddings.at(name) : 0;
    std::vector<Tensor> parts;
    for (size_t i = begin; i < end; ++i) {
      const auto& part = rows[i].at(name);
      const int64_t missing = part.dim() < 2 ? 0 : longest - part.size(1);
      parts.push_back(missing == 0 ? part
                                   : torch::cat({part, torch::full({part.size(0), missing}, padding,
                                                                   part.options())},
                                                1));
    }
    batch.tensors[name] = torch::cat(parts);
  }
  return batch;
}

std::vector<data::Batch> TextBatches::of_one_length(const std::vector<data::Batch>& rows,
                                                    int64_t seed) const {
  auto sorted = rows;
  put_shortest_first(sorted);
  std::vector<data::Batch> batches;
  for (size_t begin = 0; begin < sorted.size();) {
    size_t end = begin + 1;
    while (end < sorted.size() && end - begin < kRowsOfOneLength &&
           tokens_of(sorted[end]) == tokens_of(sorted[begin]))
      ++end;
    batches.push_back(join(sorted, begin, end));
    begin = end;
  }
  std::mt19937_64 random(static_cast<uint64_t>(seed));
  for (size_t i = batches.size(); i > 1; --i) std::swap(batches[i - 1], batches[random() % i]);
  return batches;
}

std::vector<data::Batch> TextBatches::padded(std::vector<data::Batch> rows, int64_t seed) const {
  std::mt19937_64 random(static_cast<uint64_t>(seed));
  for (size_t i = rows.size(); i > 1; --i) std::swap(rows[i - 1], rows[random() % i]);
  std::vector<data::Batch> batches;
  for (size_t begin = 0; begin < rows.size(); begin += kRowsPadded)
    batches.push_back(join(rows, begin, std::min(begin + kRowsPadded, rows.size())));
  return batches;
}

}  // namespace braid::onnx
