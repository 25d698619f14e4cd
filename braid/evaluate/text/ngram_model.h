// Linear classifiers on words and pairs of neighbouring words. Knows no LibTorch.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace braid::evaluate {

// The different words, numbers and signs of a text and their pairs, hashed, each once.
// pair: a second text, whose words count for themselves.
std::vector<uint32_t> ngrams_of(std::string_view text,
                                const std::optional<std::string>& pair = std::nullopt);

struct NgramTexts {
  std::vector<std::vector<uint32_t>> rows;  // as ngrams_of() has them
  std::vector<int64_t> labels;
};

class NgramModel {
 public:
  virtual ~NgramModel() = default;
  // One value per class, the largest the answer's; of any scale.
  virtual std::vector<float> scores(const std::vector<uint32_t>& row) const = 0;
};

// Multinomial naive Bayes with smoothed counts.
std::unique_ptr<NgramModel> train_naive_bayes(const NgramTexts& texts, int64_t classes);

struct LinearNgramOptions {
  int64_t seed = 0;  // of the order
  // 0 to 1: how much of the time is gone; training ends at 1.
  std::function<double()> time_gone = [] { return 0.0; };
};
// Softmax regression on rows of unit length that weigh rare words more, by AdaGrad.
std::unique_ptr<NgramModel> train_linear_ngrams(const NgramTexts& texts, int64_t classes,
                                                const LinearNgramOptions& options);

}  // namespace braid::evaluate
