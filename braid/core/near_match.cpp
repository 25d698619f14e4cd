#include "braid/core/near_match.h"

#include <algorithm>
#include <numeric>

namespace braid {
namespace {
size_t edit_distance(const std::string& a, const std::string& b) {  // Levenshtein, one row
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substitute = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({substitute, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}
}  // namespace

std::vector<std::string> near_matches(const std::string& word,
                                      const std::vector<std::string>& candidates, size_t limit) {
  std::vector<std::pair<size_t, std::string>> near;
  for (const auto& candidate : candidates) {
    const size_t allowed = std::max<size_t>(2, std::max(word.size(), candidate.size()) / 3);
    const size_t distance = edit_distance(word, candidate);
    // A word that begins a candidate, as `vit` begins `vit_tiny_patch16_224`, is near however long
    // the rest.
    const bool prefix = word.size() >= 3 && candidate.starts_with(word);
    // So is one that begins it but for a slip, as `resnex` does `resnet18`: after all others.
    const size_t slips = edit_distance(word, candidate.substr(0, word.size()));
    if (distance <= allowed || prefix)
      near.emplace_back(prefix ? 0 : distance, candidate);
    else if (word.size() >= 5 && slips <= word.size() / 5)
      near.emplace_back(word.size() + slips, candidate);
  }
  std::stable_sort(near.begin(), near.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> names;
  for (size_t i = 0; i < std::min(limit, near.size()); ++i) names.push_back(near[i].second);
  return names;
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& candidates,
                         const std::string& otherwise) {
  const auto near = near_matches(word, candidates);
  if (near.empty()) return otherwise;
  std::string text = "did you mean ";
  for (size_t i = 0; i < near.size(); ++i)
    text += (i == 0 ? "'" : i + 1 == near.size() ? " or '" : ", '") + near[i] + "'";
  return text + "?";
}

}  // namespace braid
