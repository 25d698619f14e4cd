// The team's size on machines that are made up: how fast each size is at each moment.
#include "braid/runtime/team.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <functional>

namespace braid::runtime {
namespace {

struct Machine {
  int64_t cores = 2;
  std::function<double(int64_t size, double now)> items_per_s;
  std::function<double(int64_t size, double now)> waited = [](int64_t, double) { return 0.0; };
  std::function<double(int64_t size, double now)> idle = [](int64_t, double) { return 1.0; };
};

struct Worked {
  double items = 0;
  int64_t changes = 0, size = 0;
};

Worked work(const Machine& machine, double seconds, double items_per_step = 128) {
  TeamPolicy policy(machine.cores);
  Worked worked;
  for (double now = 0; now < seconds;) {
    const int64_t size = policy.size();
    const double took = items_per_step / machine.items_per_s(size, now);
    worked.items += items_per_step;
    policy.observe(
        {items_per_step, took, took * machine.waited(size, now), took * machine.idle(size, now)});
    now += took;
    if (policy.size() != size) ++worked.changes;
  }
  worked.size = policy.size();
  return worked;
}

// Two cores, of which another process takes one from `from` to `to`: figures of airbench_nano.
Machine disturbed(double from, double to) {
  const auto is = [=](double now) { return from <= now && now < to; };
  return {.items_per_s =
              [=](int64_t size, double now) {
                return size == 1 ? 6900.0 : is(now) ? 1550.0 : 10500.0;
              },
          .waited = [=](int64_t size, double now) { return size == 2 && is(now) ? 0.4 : 0.01; },
          .idle = [=](int64_t size, double now) { return size == 2 || is(now) ? 0.02 : 0.95; }};
}

TEST(Team, StaysWholeOnAQuietMachine) {
  const Worked worked = work(disturbed(1e9, 1e9), 45);
  EXPECT_EQ(worked.changes, 0);
  EXPECT_EQ(worked.size, 2);
}

TEST(Team, ShedsTheThreadThatANeighbourTakes) {
  const Worked worked = work(disturbed(0, 1e9), 45);
  EXPECT_GT(worked.items, 0.97 * 45 * 6900);
  EXPECT_EQ(worked.changes, 1);
  EXPECT_GT(work(disturbed(0, 1e9), 15).items, 0.93 * 15 * 6900);
}

TEST(Team, IsWholeAgainWhenTheNeighbourHasGone) {
  const Worked worked = work(disturbed(0, 20), 60);
  EXPECT_EQ(worked.size, 2);
  EXPECT_GT(worked.items, 0.85 * (20 * 6900 + 40 * 10500));
}

TEST(Team, TriesThemAllWhereNobodyKnowsWhatIsIdle) {
  Machine machine = disturbed(0, 1e9);
  machine.idle = [](int64_t, double) { return 1.0; };
  EXPECT_GT(work(machine, 45).items, 0.85 * 45 * 6900);
}

TEST(Team, KeepsThreadsThatWaitButPay) {
  // Loader threads that share the cores: threads wait, and yet two are faster.
  const Machine machine{
      .items_per_s = [](int64_t size, double) { return 1000.0 * static_cast<double>(size + 3); },
      .waited = [](int64_t, double) { return 0.2; }};
  const Worked worked = work(machine, 120);
  EXPECT_EQ(worked.size, 2);
  EXPECT_GT(worked.items, 0.97 * 120 * 5000) << "what does not pay is tried seldom";
}

TEST(Team, ShedsAsManyThreadsAsAreTaken) {
  // Three of eight cores are taken: a team that has any of them runs at the pace of its slowest.
  const Machine machine{
      .cores = 8,
      .items_per_s = [](int64_t size,
                        double) { return size > 5 ? 500.0 : 900.0 * static_cast<double>(size); },
      .waited = [](int64_t size, double) { return size > 5 ? 0.5 : 0.0; }};
  const Worked worked = work(machine, 60);
  EXPECT_EQ(worked.size, 5);
  EXPECT_GT(worked.items, 0.8 * 60 * 4500);
}

TEST(Team, LongStepsAreJudgedByAFewOfThem) {
  Machine machine = disturbed(0, 1e9);
  EXPECT_GT(work(machine, 600, /*items_per_step=*/20'000).items, 0.85 * 600 * 6900);
}

TEST(Team, WorkingSetsTheThreadsAndPutsThemBack) {
  const int before = at::get_num_threads();
  Team team;
  EXPECT_EQ(team.size(), before);
  EXPECT_FALSE(team.observe(10, 0.01));
  {
    const Team::Working working(&team);
    EXPECT_EQ(at::get_num_threads(), team.size());
    at::set_num_threads(before + 1);
  }
  EXPECT_EQ(at::get_num_threads(), before);
  {
    const Team::Working none(nullptr);
    EXPECT_EQ(at::get_num_threads(), before);
  }
}

}  // namespace
}  // namespace braid::runtime
