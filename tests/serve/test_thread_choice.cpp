// With how many threads batches are computed, on machines that are made up.
#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "braid/serve/thread_choice.h"

namespace braid::serve {
namespace {

using Machine = std::function<double(int64_t numbers, int64_t threads)>;  // seconds of a batch

// Of the last of so many batches.
int64_t threads_after(ThreadChoice& choice, int64_t batches, int64_t numbers,
                      const Machine& machine) {
  int64_t threads = 0;
  for (int64_t i = 0; i < batches; ++i) {
    threads = choice.threads_for(numbers);
    choice.observe(numbers, threads, machine(numbers, threads));
  }
  return threads;
}

// A microsecond for each number, shared; a millisecond to wake each thread but the first.
double with_slow_waking(int64_t numbers, int64_t threads) {
  return 1e-6 * static_cast<double>(numbers) / static_cast<double>(threads) +
         1e-3 * static_cast<double>(threads - 1);
}

TEST(ThreadChoice, OneThreadComputesWhatIsShortAndAllWhatIsLong) {
  ThreadChoice choice(2);
  EXPECT_EQ(threads_after(choice, 20, 800, with_slow_waking), 1);
  EXPECT_EQ(threads_after(choice, 20, 100'000, with_slow_waking), 2);
  EXPECT_EQ(threads_after(choice, 1, 800, with_slow_waking), 1);  // each size has its own
}

TEST(ThreadChoice, TriesPowersOfTwoAndTheMost) {
  ThreadChoice choice(6);
  std::vector<int64_t> tried;
  for (int i = 0; i < 4; ++i) {
    tried.push_back(choice.threads_for(10));
    choice.observe(10, tried.back(), 1);
  }
  EXPECT_EQ(tried, (std::vector<int64_t>{1, 2, 4, 6}));
}

TEST(ThreadChoice, TakesTheNumberBetweenWhereThatIsBest) {
  ThreadChoice choice(16);  // 1, 2, 4, ...: 20, 11, 8, 9.5, 16 ms
  EXPECT_EQ(threads_after(choice, 60, 20'000, with_slow_waking), 4);
}

TEST(ThreadChoice, MoreThreadsHaveToPay) {
  ThreadChoice choice(2);
  const Machine hardly_faster = [](int64_t, int64_t threads) { return threads == 1 ? 1.0 : 0.95; };
  EXPECT_EQ(threads_after(choice, 30, 10, hardly_faster), 1);
}

TEST(ThreadChoice, TheFirstBatchOfATeamDoesNotCount) {
  ThreadChoice choice(2);
  int64_t calls[3] = {};
  const Machine prepares = [&](int64_t, int64_t threads) {
    return ++calls[threads] == 1 ? 100.0 : threads == 1 ? 2.0 : 1.0;
  };
  EXPECT_EQ(threads_after(choice, 9, 10, prepares), 2);
}

TEST(ThreadChoice, NoticesThatTheMachineHasChanged) {
  ThreadChoice choice(2);
  const Machine quiet = [](int64_t, int64_t threads) { return threads == 1 ? 2.0 : 1.0; };
  const Machine busy = [](int64_t, int64_t threads) { return threads == 1 ? 2.0 : 9.0; };
  EXPECT_EQ(threads_after(choice, 100, 10, quiet), 2);
  EXPECT_EQ(threads_after(choice, 20, 10, busy), 1);
  // One thread is what computes now; two are tried again, seldom, until they are fast again.
  int64_t twos = 0;
  for (int i = 0; i < 2560; ++i) twos += threads_after(choice, 1, 10, busy) == 2 ? 1 : 0;
  EXPECT_GE(twos, 1);
  EXPECT_LE(twos, 26);
  EXPECT_EQ(threads_after(choice, 4000, 10, quiet), 2);
}

TEST(ThreadChoice, OneThreadIsAllThereMayBe) {
  ThreadChoice choice(1);
  EXPECT_EQ(threads_after(choice, 10, 1 << 20, with_slow_waking), 1);
  EXPECT_EQ(threads_after(choice, 10, 0, with_slow_waking), 1);  // an empty batch
}

}  // namespace
}  // namespace braid::serve
