// Latency and peak memory.
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <map>
#include <thread>
#include <vector>

#include "braid/evaluate/latency.h"
#include "braid/evaluate/peak_memory.h"

namespace braid::evaluate {
namespace {

// Takes a millisecond per call, whatever the batch.
class FakeInference final : public Inference {
 public:
  void set_batch(int64_t items) override { batch_ = items; }
  void call() override {
    ++calls[batch_];
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::map<int64_t, int64_t> calls;  // by batch

 private:
  int64_t batch_ = 0;
};

TEST(Latency, QuantileIsNumpys) {
  EXPECT_DOUBLE_EQ(quantile({3, 1, 2}, 0.5), 2);
  EXPECT_DOUBLE_EQ(quantile({1, 2, 3, 4}, 0.95), 3.85);
  EXPECT_DOUBLE_EQ(quantile({5}, 0.95), 5);
}

TEST(Latency, TimesOneItemAndLargeBatches) {
  FakeInference model;
  const auto latency = measure_latency(model, {.warm_up = 3,
                                               .min_calls = 7,
                                               .throughput_batch = 50,
                                               .throughput_calls = 4,
                                               .max_seconds = 0});
  EXPECT_EQ(model.calls, (std::map<int64_t, int64_t>{{1, 3 + 7}, {50, 2 + 4}}));
  EXPECT_EQ(latency.calls, 7);
  EXPECT_GE(latency.p50_ms, 1);
  EXPECT_GE(latency.p95_ms, latency.p50_ms);
  EXPECT_LE(latency.items_per_s, 50 / 1e-3);
  EXPECT_GT(latency.items_per_s, 1 / 1e-3);  // a batch is one call
}

TEST(Latency, GoesOnUntilTheTimeIsUsed) {
  FakeInference model;
  const auto latency = measure_latency(
      model, {.warm_up = 0, .min_calls = 1, .throughput_calls = 1, .max_seconds = 0.05});
  EXPECT_GT(latency.calls, 3);
  EXPECT_LE(latency.calls, 50);
}

TEST(Latency, ARateIsOfTheSecondCall) {
  int calls = 0;
  const double rate = warm_items_per_s(32, [&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(calls == 0 ? 40 : 2));
    ++calls;
  });
  EXPECT_EQ(calls, 2);
  EXPECT_LE(rate, 32 / 2e-3);
  EXPECT_GT(rate, 32 / 40e-3);
}

constexpr int64_t kMiB = 1 << 20;

// The peak while 64 MiB are held.
int64_t peak_with_a_block() {
  const PeakMemory memory;
  std::vector<char> block(64 * kMiB);
  std::memset(block.data(), 1, block.size());
  std::this_thread::sleep_for(std::chrono::milliseconds(30));  // where it is sampled
  return memory.bytes().value_or(0);
}

TEST(PeakMemory, CountsWhatIsHeldAndForgetsWhatWasBefore) {
  const int64_t with = peak_with_a_block();
  if (with == 0) GTEST_SKIP() << "this system does not tell";
  const PeakMemory memory;
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  EXPECT_GT(with - *memory.bytes(), 48 * kMiB);
}

}  // namespace
}  // namespace braid::evaluate
