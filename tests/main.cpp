// The main of tests that load LibTorch is googletest's in two ways changed.
//
// Every test starts from the same random numbers, whatever ran before it: C++ programs get
// LibTorch's default generator with a seed of chance. And it leaves at once in the end: taking
// LibTorch's tables of operators apart costs every process 0.15 seconds, and ctest starts hundreds.
#include <ATen/Context.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

namespace {

class Seeds : public testing::EmptyTestEventListener {
  void OnTestStart(const testing::TestInfo& /*test*/) override { at::manual_seed(0); }
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  testing::UnitTest::GetInstance()->listeners().Append(new Seeds);  // which owns it
  const int result = RUN_ALL_TESTS();
  std::fflush(nullptr);
  std::_Exit(result);
}
