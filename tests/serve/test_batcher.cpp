// Which requests share a batch, and who gets what out of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "braid/serve/batcher.h"
#include "tests/serve/fake_model.h"

namespace braid::serve::test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using Clock = Batcher::Clock;

class BatcherTest : public ::testing::Test {
 protected:
  Batcher& make(const BatchOptions& options) {
    batcher_.emplace(engine_, options, metrics_);
    return *batcher_;
  }
  // The result, or nothing where there was no place.
  std::optional<std::future<JobResult>> ask(float x0, Clock::duration within = 1min,
                                            uint64_t* number = nullptr) {
    auto place = batcher_->enter();
    if (!place) return std::nullopt;
    auto promise = std::make_shared<std::promise<JobResult>>();
    auto future = promise->get_future();
    const auto id = batcher_->submit(
        std::move(*place), {.inputs = {row_tensor(x0, 1)},
                            .deadline = Clock::now() + within,
                            .done = [promise](JobResult r) { promise->set_value(std::move(r)); }});
    if (number != nullptr) *number = id;
    return future;
  }

  PacePtr pace_ = std::make_shared<Pace>();
  FakeEngine engine_{pace_};
  ModelMetrics metrics_;
  std::optional<Batcher> batcher_;
};

TEST_F(BatcherTest, FillsBatchesWithWhatWaits) {
  make({.max_batch_size = 4, .max_queue_delay = 0us});
  pace_->close();
  std::vector<std::future<JobResult>> results;
  results.push_back(*ask(0));
  pace_->wait_for_batches(1);
  for (int i = 1; i < 7; ++i) results.push_back(*ask(static_cast<float>(i)));
  pace_->open();
  for (int i = 0; i < 7; ++i) {
    const auto result = results[static_cast<size_t>(i)].get();
    EXPECT_EQ(result.ending, Ending::kSuccess);
    const auto x = static_cast<float>(i);
    EXPECT_THAT(values_of<float>(result.outputs.at(0)), ElementsAre(x, 1, x + 1)) << i;
  }
  EXPECT_THAT(pace_->batches(), ElementsAre(1, 4, 2));
}

TEST_F(BatcherTest, WaitsForCompanyNoLongerThanAllowed) {
  make({.max_batch_size = 2, .max_queue_delay = 50ms});
  const auto begin = Clock::now();
  ask(1)->get();
  EXPECT_GE(Clock::now() - begin, 50ms);
  auto first = *ask(1), second = *ask(2);
  first.get();
  second.get();
  EXPECT_THAT(pace_->batches(), ElementsAre(1, 2));
  make({.max_batch_size = 2, .max_queue_delay = 1h});  // a full batch does not wait
  auto third = *ask(1), fourth = *ask(2);
  third.get();
  fourth.get();
}

TEST_F(BatcherTest, HasNoPlaceWhereItsQueueIsFull) {
  make({.max_batch_size = 1, .max_queue_delay = 0us, .max_queue_size = 2});
  pace_->close();
  auto running = *ask(0);
  pace_->wait_for_batches(1);
  auto first = *ask(1);
  {
    const auto held = batcher_->enter();  // of a request that is still read
    EXPECT_TRUE(held);
    EXPECT_FALSE(ask(2));
  }
  auto second = *ask(2);
  EXPECT_EQ(metrics_.waiting, 2);
  pace_->open();
  for (auto* result : {&running, &first, &second})
    EXPECT_EQ(result->get().ending, Ending::kSuccess);
  EXPECT_EQ(metrics_.waiting, 0);
}

TEST_F(BatcherTest, SkipsWhatIsTooLate) {
  make({.max_batch_size = 4, .max_queue_delay = 0us});
  pace_->close();
  auto running = *ask(0);
  pace_->wait_for_batches(1);
  auto late = *ask(1, -1ms);
  auto good = *ask(2);
  pace_->open();
  EXPECT_EQ(late.get().ending, Ending::kTimeout);
  EXPECT_EQ(good.get().ending, Ending::kSuccess);
  running.get();
  EXPECT_THAT(pace_->batches(), ElementsAre(1, 1));
}

TEST_F(BatcherTest, ForgetsWhatIsCancelled) {
  make({.max_batch_size = 4, .max_queue_delay = 0us, .max_queue_size = 3});
  pace_->close();
  uint64_t of_running = 0, of_waiting = 0;
  [[maybe_unused]] auto running = *ask(0, 1min, &of_running);
  pace_->wait_for_batches(1);
  auto waiting = *ask(1, 1min, &of_waiting);
  auto kept = *ask(2);
  EXPECT_FALSE(batcher_->cancel(of_running));
  EXPECT_TRUE(batcher_->cancel(of_waiting));
  EXPECT_FALSE(batcher_->cancel(of_waiting));
  EXPECT_EQ(metrics_.waiting, 1);
  pace_->open();
  EXPECT_EQ(kept.get().ending, Ending::kSuccess);
  EXPECT_THROW(waiting.get(), std::future_error);  // nobody ever answers it
  EXPECT_THAT(pace_->batches(), ElementsAre(1, 1));
}

TEST_F(BatcherTest, KeepsOneRowsFaultFromTheOthers) {
  make({.max_batch_size = 4, .max_queue_delay = 0us});
  pace_->close();
  auto running = *ask(0);
  pace_->wait_for_batches(1);
  auto good = *ask(1), failing = *ask(666), infinite = *ask(777), without = *ask(888);
  pace_->open();
  EXPECT_EQ(good.get().ending, Ending::kSuccess);
  const auto failed = failing.get();
  EXPECT_EQ(failed.ending, Ending::kFailed);
  EXPECT_THAT(failed.error, ::testing::HasSubstr("cannot be computed"));
  EXPECT_EQ(infinite.get().ending, Ending::kInvalid);
  const auto empty = without.get();  // of another shape than is declared
  EXPECT_EQ(empty.ending, Ending::kFailed);
  EXPECT_THAT(empty.error, ::testing::HasSubstr("of 1 rows as output 'logits', got FP32 [0,3]"));
  running.get();
}

TEST_F(BatcherTest, AnswersWhatIsQueuedBeforeItEnds) {
  make({.max_batch_size = 2, .max_queue_delay = 1h});
  std::vector<std::future<JobResult>> results;
  for (int i = 0; i < 5; ++i) results.push_back(*ask(static_cast<float>(i)));
  batcher_.reset();
  for (auto& result : results) EXPECT_EQ(result.get().ending, Ending::kSuccess);
}

TEST_F(BatcherTest, GivesEachThreadItsOwn) {
  make({.max_batch_size = 8, .max_queue_delay = 100us, .max_queue_size = 0});
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i) {
        const auto x = static_cast<float>(t * 1000 + i);
        const auto result = ask(x)->get();
        if (values_of<float>(result.outputs.at(0)).at(0) != x) ++wrong;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(metrics_.rows, 800U);
}

}  // namespace
}  // namespace braid::serve::test
