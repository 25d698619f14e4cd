#include "braid/evaluate/text/translation_references.h"

#include <algorithm>
#include <functional>
#include <sstream>
#include <utility>

#include "braid/core/stopwatch.h"
#include "braid/tasks/metrics/bleu.h"

namespace braid::evaluate {
namespace {

std::vector<std::string> words_of(std::string_view text) {
  std::istringstream stream(tasks::tokenize_for_bleu("13a", text));
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

uint64_t key_of(uint32_t source, uint32_t target) { return uint64_t{source} << 32 | target; }

ReferenceResult reference(const std::string& name, const std::string& title, int64_t items,
                          const data::ParallelText& test, const Stopwatch& watch,
                          const std::function<std::string(const std::string&)>& translate) {
  tasks::Bleu bleu;
  std::vector<tasks::Bleu> of_texts(static_cast<size_t>(test.size()));
  for (int64_t i = 0; i < test.size(); ++i) {
    auto& one = of_texts[static_cast<size_t>(i)];
    one.update(translate(test.source(i)), {test.target(i)});
    bleu.merge(one);
  }
  const auto interval = tasks::bleu_interval(of_texts);
  return {.name = name,
          .title = title,
          .score = {.name = "bleu",
                    .unit = "",
                    .value = bleu.score().score,
                    .low = interval.low,
                    .high = interval.high},
          .items = items,
          .seconds = watch.seconds()};
}

}  // namespace

uint32_t WordTranslator::number(std::unordered_map<std::string, uint32_t>& words,
                                const std::string& word) {
  return words.try_emplace(word, static_cast<uint32_t>(words.size())).first->second;
}

void WordTranslator::add(std::string_view source, std::string_view target) {
  Sentence& sentence = sentences_.emplace_back();
  for (const auto& word : words_of(source)) sentence.source.push_back(number(source_, word));
  for (const auto& word : words_of(target)) {
    sentence.target.push_back(number(target_, word));
    if (target_words_.size() < target_.size()) target_words_.push_back(word);
  }
}

void WordTranslator::learn() {
  std::unordered_map<uint64_t, double> counts;
  counts.reserve(probability_.size());
  std::vector<double> totals(source_.size()), shares;
  for (const auto& sentence : sentences_)
    for (const uint32_t target : sentence.target) {
      shares.clear();
      double sum = 0;
      for (const uint32_t source : sentence.source) {
        shares.push_back(probability_.empty() ? 1 : probability_.at(key_of(source, target)));
        sum += shares.back();
      }
      for (size_t i = 0; i < shares.size(); ++i) {
        const double share = shares[i] / sum;
        counts[key_of(sentence.source[i], target)] += share;
        totals[sentence.source[i]] += share;
      }
    }
  best_.assign(source_.size(), {0, 0});
  for (auto& [key, count] : counts) {
    const auto source = static_cast<uint32_t>(key >> 32), target = static_cast<uint32_t>(key);
    count /= totals[source];
    auto& [probability, best] = best_[source];
    // Of two alike the earlier word, whatever the order of the table.
    if (count > probability || (count == probability && target < best)) {
      probability = count;
      best = target;
    }
  }
  probability_ = std::move(counts);
}

std::string WordTranslator::translate(std::string_view source) const {
  std::string text;
  for (const auto& word : words_of(source)) {
    const auto found = source_.find(word);
    const bool known =
        found != source_.end() && found->second < best_.size() && best_[found->second].first > 0;
    text += (text.empty() ? "" : " ") + (known ? target_words_[best_[found->second].second] : word);
  }
  return text;
}

References measure_translation_references(const data::ParallelText& train,
                                          const data::ParallelText& test, double seconds,
                                          Progress& progress) {
  constexpr int64_t kMostPairs = 20'000;
  constexpr int kPasses = 5;
  constexpr uint64_t kMostBytes = 1000;  // of a side: what is longer is rarely one sentence
  References references;
  progress.begin("reference translations", kPasses + 1);
  references.rows.push_back(reference("copy", "the source as it is", 0, test, Stopwatch(),
                                      [](const std::string& source) { return source; }));
  const Stopwatch watch;
  const int64_t pairs = std::min(kMostPairs, train.size());
  WordTranslator words;
  for (int64_t i = 0; i < pairs; ++i) {
    const auto pair = train.get(i * train.size() / pairs, kMostBytes);
    words.add(data::beginning_of(pair.source, kMostBytes - 1),
              data::beginning_of(pair.target, kMostBytes - 1));
  }
  for (int pass = 0; pass < kPasses && (pass == 0 || watch.seconds() < seconds); ++pass) {
    words.learn();
    progress.update(pass + 1, "");
  }
  references.rows.push_back(
      reference("word_by_word", "word for word (IBM Model 1)", pairs, test, watch,
                [&](const std::string& source) { return words.translate(source); }));
  progress.end();
  std::stable_sort(references.rows.begin(), references.rows.end(),
                   [](const auto& a, const auto& b) { return tasks::better(a.score, b.score); });
  return references;
}

}  // namespace braid::evaluate
