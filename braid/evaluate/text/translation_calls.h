// Translations of test sources, to be timed.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "braid/data/text/parallel_text.h"
#include "braid/evaluate/latency.h"

namespace braid::evaluate {

// Sources are spread evenly over the test, as long as they are: from a text to its translation.
class TranslationCalls final : public Inference {
 public:
  using Translate = std::function<void(const std::vector<std::string>& sources)>;
  TranslationCalls(data::ParallelTextPtr test, Translate translate)
      : test_(std::move(test)), translate_(std::move(translate)) {}
  void set_batch(int64_t items) override {
    sources_.clear();
    for (int64_t i = 0; i < items; ++i)
      sources_.push_back(test_->source((i * test_->size() / items) % test_->size()));
  }
  void call() override { translate_(sources_); }

 private:
  data::ParallelTextPtr test_;
  Translate translate_;
  std::vector<std::string> sources_;
};

}  // namespace braid::evaluate
