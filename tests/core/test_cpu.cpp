// How many threads a container pays for, and how much memory.
#include "braid/core/cpu.h"

#include <gtest/gtest.h>
#include <sched.h>

namespace braid {
namespace {

TEST(Cpu, AQuotaLimitsTheThreads) {
  // Version 2: "QUOTA PERIOD" in one file.
  EXPECT_EQ(cpus_of_quota(8, "max 100000", ""), 8);
  EXPECT_EQ(cpus_of_quota(8, "50000 100000", ""), 1) << "half a core";
  EXPECT_EQ(cpus_of_quota(8, "150000 100000", ""), 1) << "a second thread would wait";
  EXPECT_EQ(cpus_of_quota(8, "200000 100000", ""), 2);
  EXPECT_EQ(cpus_of_quota(2, "400000 100000", ""), 2) << "no more than there are";
  // Version 1: two files, -1 for no limit.
  EXPECT_EQ(cpus_of_quota(8, "-1", "100000"), 8);
  EXPECT_EQ(cpus_of_quota(8, "300000", "100000"), 3);
  EXPECT_EQ(cpus_of_quota(8, "1000", "100000"), 1);
  // No control groups, or nonsense.
  for (const char* quota : {"", "max", "0 0", "x y", "-1 100000", "100000"})
    EXPECT_EQ(cpus_of_quota(4, quota, ""), 4) << quota;
}

TEST(Cpu, AGroupLimitsTheMemory) {
  EXPECT_EQ(memory_of_limit(1000, "300"), 300);
  EXPECT_EQ(memory_of_limit(1000, "3000"), 1000) << "no more than there is";
  // No limit in version 2, in version 1, beyond a number, no control groups, nonsense.
  for (const char* limit :
       {"max", "9223372036854771712", "99999999999999999999", "", "-1", "0", "x"})
    EXPECT_EQ(memory_of_limit(1000, limit), 1000) << limit;
  EXPECT_GT(usable_memory(), 0);
  EXPECT_LE(usable_memory(), memory_bytes());
}

TEST(Cpu, TheAffinityMaskCounts) {
  cpu_set_t before, one;
  ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
  CPU_ZERO(&one);
  for (int cpu = 0; CPU_COUNT(&one) == 0; ++cpu)
    if (CPU_ISSET(cpu, &before)) CPU_SET(cpu, &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(usable_cpus(), 1);
  ASSERT_EQ(::sched_setaffinity(0, sizeof before, &before), 0);
  EXPECT_GE(usable_cpus(), 1);
  EXPECT_LE(usable_cpus(), CPU_COUNT(&before));
}

TEST(Cpu, TimesThatOnlyGrow) {
  const double waited = seconds_waited();
  EXPECT_GE(waited, 0);
  const auto idle = seconds_idle();
  if (!idle) GTEST_SKIP() << "the system does not tell";
  EXPECT_GE(*seconds_idle(), *idle);
  EXPECT_GE(seconds_waited(), waited);
}

}  // namespace
}  // namespace braid
