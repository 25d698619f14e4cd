// A model whose answers a test can foresee, and whose pace it sets.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "braid/core/error.h"
#include "braid/serve/model.h"

namespace braid::serve::test {

// What the test and its engines share.
class Pace {
 public:
  std::atomic<int64_t> delay_us{0};  // of a batch

  // While it is closed no batch ends.
  void close() {
    const std::lock_guard lock(mutex_);
    open_ = false;
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void enter(int64_t rows) {
    std::unique_lock lock(mutex_);
    batches_.push_back(rows);
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  // Until so many batches have begun.
  void wait_for_batches(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return batches_.size() >= count; });
  }
  std::vector<int64_t> batches() const {
    const std::lock_guard lock(mutex_);
    return batches_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  std::vector<int64_t> batches_;
};
using PacePtr = std::shared_ptr<Pace>;

// x FP32 [N,2] -> logits [N,3]: x0, x1, x0 + x1. Fails where x0 is 666, is not finite where it is
// 777, lets go of all rows where it is 888, has no memory where it is 990, and never for 999.
class FakeEngine final : public Engine {
 public:
  explicit FakeEngine(PacePtr pace) : pace_(std::move(pace)) {}
  const std::vector<TensorSpec>& inputs() const override { return inputs_; }
  const std::vector<TensorSpec>& outputs() const override { return outputs_; }
  std::vector<Tensor> infer(const std::vector<Tensor>& batch) override {
    const auto x = values_of<float>(batch.front());
    pace_->enter(batch.front().rows());
    std::this_thread::sleep_for(std::chrono::microseconds(pace_->delay_us));
    std::vector<float> logits;
    for (size_t i = 0; i < x.size(); i += 2) {
      if (x[i] == 666) throw InternalError("fake", "this row cannot be computed");
      if (x[i] == 990) throw std::bad_alloc();
      if (x[i] == 999) throw BatchTooLargeError("this row takes too much memory");
      if (x[i] == 888) return {make_tensor<float>("logits", DataType::kFp32, {0, 3}, {})};
      const float first = x[i] == 777 ? std::numeric_limits<float>::quiet_NaN() : x[i];
      logits.insert(logits.end(), {first, x[i + 1], x[i] + x[i + 1]});
    }
    return {make_tensor("logits", DataType::kFp32, {batch.front().rows(), 3}, std::move(logits))};
  }

 private:
  PacePtr pace_;
  std::vector<TensorSpec> inputs_ = {{.name = "x", .type = DataType::kFp32, .shape = {-1, 2}}};
  std::vector<TensorSpec> outputs_ = {
      {.name = "logits", .type = DataType::kFp32, .shape = {-1, 3}}};
};

// A text's length, and its first letter's number. Refuses "bad", reads the beginning of "endless";
// "heavy" takes a TiB.
class FakePreparation final : public Preparation {
 public:
  std::vector<Tensor> prepare(const Tensor& input) const override {
    std::vector<float> x;
    for (const auto text : input.elements) {
      if (text == "bad") throw DataError("fake", "expected a good text, got 'bad'");
      x.push_back(static_cast<float>(text.size()));
      x.push_back(text.empty() ? 0 : static_cast<float>(static_cast<unsigned char>(text[0])));
    }
    return {make_tensor("x", DataType::kFp32, {input.rows(), 2}, std::move(x))};
  }
  std::vector<Tensor> prepare_and_note(const Tensor& input,
                                       std::vector<int64_t>& truncated) const override {
    for (size_t i = 0; i < input.elements.size(); ++i)
      if (input.elements[i] == "endless") truncated.push_back(static_cast<int64_t>(i));
    return prepare(input);
  }
  int64_t working_bytes(const Tensor& input) const override {
    return input.elements.front() == "heavy" ? int64_t{1} << 40 : 0;
  }
};

// The first of a text's letters decides.
class FakeExplainer final : public Explainer {
 public:
  Explanation explain(const Tensor& input) override {
    if (input.elements[0] == "bad") throw DataError("fake", "expected a good text, got 'bad'");
    Explanation explanation{.method = "fake", .class_index = 1, .probability = 0.75};
    for (const char letter : input.elements[0])
      explanation.tokens.push_back({.token = std::string(1, letter),
                                    .attribution = explanation.tokens.empty() ? 2.0 : -1.0});
    return explanation;
  }
};

// A loader of such models; a source that begins with "broken" cannot be loaded, "mute" explains
// nothing, of "several" any number of labels may be right.
inline LoadModel fake_loader(const PacePtr& pace) {
  return [pace](const std::string& source) {
    if (source.find("broken") != std::string::npos)
      throw DataError("checkpoint", "expected weights, got none", source);
    auto model = std::make_unique<Model>();
    model->platform = "fake";
    model->engine = std::make_unique<FakeEngine>(pace);
    model->prepared = {.name = "text", .type = DataType::kBytes, .shape = {-1}};
    model->preparation = std::make_unique<FakePreparation>();
    model->classes = {"ant", "bee", "cat"};
    model->several_labels = source == "several";
    if (source != "mute") model->explainer = std::make_unique<FakeExplainer>();
    return model;
  };
}

inline Tensor row_tensor(float x0, float x1) {
  return make_tensor("x", DataType::kFp32, {1, 2}, std::vector<float>{x0, x1});
}

}  // namespace braid::serve::test
