#include "braid/evaluate/text/ngram_model.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <numeric>

#include "braid/core/natural_order.h"
#include "braid/data/random.h"

namespace braid::evaluate {
namespace {

// Letters and digits of any script are parts of words, other signs stand alone.
bool is_word_byte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '\'' ||
         c == '+' || c == '#';
}

uint64_t hash_bytes(std::string_view text, uint64_t hash) {  // FNV-1a
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  return hash;
}

uint32_t finish_hash(uint64_t hash) {
  hash = (hash ^ (hash >> 31)) * 0x94d049bb133111ebull;
  return static_cast<uint32_t>(hash >> 32);
}

void add_ngrams(std::string_view text, uint64_t start, std::vector<uint32_t>& out) {
  const std::string lower = to_lower(std::string(text));
  std::optional<uint64_t> before;
  for (size_t i = 0; i < lower.size();) {
    if (lower[i] == ' ' || (lower[i] >= '\t' && lower[i] <= '\r')) {
      ++i;
      continue;
    }
    size_t end = i + 1;
    if (is_word_byte(lower[i]))
      while (end < lower.size() && is_word_byte(lower[end])) ++end;
    const std::string_view word(lower.data() + i, end - i);
    const uint64_t hash = hash_bytes(word, start);
    out.push_back(finish_hash(hash));
    if (before) out.push_back(finish_hash(hash_bytes(word, *before * 0x9e3779b97f4a7c15ull + 1)));
    before = hash;
    i = end;
  }
}

// Features are hashed into so many weights per class that a model takes some 64 MB.
uint32_t buckets_for(int64_t classes) {
  constexpr uint64_t kMostWeights = uint64_t{1} << 24, kLeast = 1 << 12, kMost = 1 << 21;
  return static_cast<uint32_t>(std::clamp(
      std::bit_floor(kMostWeights / static_cast<uint64_t>(std::max<int64_t>(classes, 1))), kLeast,
      kMost));
}

class NaiveBayes final : public NgramModel {
 public:
  NaiveBayes(const NgramTexts& texts, int64_t classes)
      : classes_(static_cast<size_t>(classes)),
        mask_(buckets_for(classes) - 1),
        weights_((size_t{mask_} + 1) * classes_),
        start_(classes_) {
    constexpr double kSmoothing = 0.1;
    std::vector<double> totals(classes_), texts_of(classes_);
    std::vector<char> seen(size_t{mask_} + 1);
    for (size_t i = 0; i < texts.rows.size(); ++i) {
      const auto label = static_cast<size_t>(texts.labels[i]);
      texts_of[label] += 1;
      for (const uint32_t feature : texts.rows[i]) {
        const size_t bucket = feature & mask_;
        weights_[bucket * classes_ + label] += 1;
        seen[bucket] = 1;
        totals[label] += 1;
      }
    }
    const auto different = static_cast<double>(std::count(seen.begin(), seen.end(), 1));
    const auto count = static_cast<double>(texts.rows.size());
    for (auto& weight : weights_)
      weight = static_cast<float>(std::log((weight + kSmoothing) / kSmoothing));
    for (size_t c = 0; c < classes_; ++c) {
      start_[c] = std::log((texts_of[c] + kSmoothing) / count);
      missing_.push_back(std::log(kSmoothing) - std::log(totals[c] + kSmoothing * different));
    }
  }
  std::vector<float> scores(const std::vector<uint32_t>& row) const override {
    std::vector<double> sums = start_;
    for (size_t c = 0; c < classes_; ++c) sums[c] += missing_[c] * static_cast<double>(row.size());
    for (const uint32_t feature : row) {
      const float* weights = weights_.data() + size_t{feature & mask_} * classes_;
      for (size_t c = 0; c < classes_; ++c) sums[c] += weights[c];
    }
    return {sums.begin(), sums.end()};
  }

 private:
  size_t classes_;
  uint32_t mask_;
  std::vector<float> weights_;  // [buckets, classes]
  std::vector<double> start_, missing_;
};

class LinearNgrams final : public NgramModel {
 public:
  LinearNgrams(const NgramTexts& texts, int64_t classes, const LinearNgramOptions& options)
      : classes_(static_cast<size_t>(classes)),
        mask_(buckets_for(classes) - 1),
        rarity_(size_t{mask_} + 1),
        weights_((size_t{mask_} + 1) * classes_),
        bias_(classes_) {
    for (const auto& row : texts.rows)
      for (const uint32_t feature : row) rarity_[feature & mask_] += 1;
    const auto count = static_cast<double>(texts.rows.size());
    // The root: rare words count more, but not as much as tf-idf has it.
    for (auto& value : rarity_)
      value = static_cast<float>(
          std::sqrt(1 + std::log((count + 1) / (static_cast<double>(value) + 1))));
    train(texts, options);
  }
  std::vector<float> scores(const std::vector<uint32_t>& row) const override {
    auto sums = bias_;
    const float scale = scale_of(row);
    for (const uint32_t feature : row) {
      const size_t bucket = feature & mask_;
      const float value = rarity_[bucket] * scale;
      const float* weights = weights_.data() + bucket * classes_;
      for (size_t c = 0; c < classes_; ++c) sums[c] += value * weights[c];
    }
    return sums;
  }

 private:
  // Makes a row's length 1.
  float scale_of(const std::vector<uint32_t>& row) const {
    float square = 0;
    for (const uint32_t feature : row)
      square += rarity_[feature & mask_] * rarity_[feature & mask_];
    return square > 0 ? 1 / std::sqrt(square) : 0;
  }

  void train(const NgramTexts& texts, const LinearNgramOptions& options) {
    constexpr float kRate = 0.5F;
    constexpr int kEpochs = 10;
    constexpr float kStart = 1e-3F;
    std::vector<float> squares(size_t{mask_} + 1, kStart);  // AdaGrad's, one for a feature
    float bias_squares = kStart;
    std::vector<size_t> order(texts.rows.size());
    std::iota(order.begin(), order.end(), size_t{0});
    for (int epoch = 0; epoch < kEpochs; ++epoch) {
      data::Random random(static_cast<uint64_t>(options.seed), static_cast<uint64_t>(epoch));
      random.shuffle(order);
      for (size_t k = 0; k < order.size(); ++k) {
        double share =
            (epoch + static_cast<double>(k) / static_cast<double>(order.size())) / kEpochs;
        if (k % 256 == 0) gone_ = options.time_gone();
        share = std::max(share, gone_);
        if (share >= 1) return;
        step(texts.rows[order[k]], static_cast<size_t>(texts.labels[order[k]]),
             kRate * static_cast<float>(1 - share), squares, bias_squares);
      }
    }
  }

  void step(const std::vector<uint32_t>& row, size_t label, float rate, std::vector<float>& squares,
            float& bias_squares) {
    auto wrong = scores(row);  // then softmax minus the label
    const float most = *std::max_element(wrong.begin(), wrong.end());
    float sum = 0;
    for (auto& value : wrong) sum += value = std::exp(value - most);
    float norm = 0;
    for (size_t c = 0; c < classes_; ++c) {
      wrong[c] = wrong[c] / sum - (c == label ? 1.0F : 0.0F);
      norm += wrong[c] * wrong[c];
    }
    const float scale = scale_of(row);
    for (const uint32_t feature : row) {
      const size_t bucket = feature & mask_;
      const float value = rarity_[bucket] * scale;
      squares[bucket] += value * value * norm;
      const float step = rate * value / std::sqrt(squares[bucket]);
      float* weights = weights_.data() + bucket * classes_;
      for (size_t c = 0; c < classes_; ++c) weights[c] -= step * wrong[c];
    }
    bias_squares += norm;
    for (size_t c = 0; c < classes_; ++c) bias_[c] -= rate * wrong[c] / std::sqrt(bias_squares);
  }

  size_t classes_;
  uint32_t mask_;
  std::vector<float> rarity_;   // [buckets]
  std::vector<float> weights_;  // [buckets, classes]
  std::vector<float> bias_;
  double gone_ = 0;
};

}  // namespace

std::vector<uint32_t> ngrams_of(std::string_view text, const std::optional<std::string>& pair) {
  constexpr uint64_t kFirst = 0xcbf29ce484222325ull, kSecond = 0x9ae16a3b2f90404full;
  std::vector<uint32_t> features;
  add_ngrams(text, kFirst, features);
  if (pair) add_ngrams(*pair, kSecond, features);
  std::sort(features.begin(), features.end());
  features.erase(std::unique(features.begin(), features.end()), features.end());
  return features;
}

std::unique_ptr<NgramModel> train_naive_bayes(const NgramTexts& texts, int64_t classes) {
  return std::make_unique<NaiveBayes>(texts, classes);
}

std::unique_ptr<NgramModel> train_linear_ngrams(const NgramTexts& texts, int64_t classes,
                                                const LinearNgramOptions& options) {
  return std::make_unique<LinearNgrams>(texts, classes, options);
}

}  // namespace braid::evaluate
