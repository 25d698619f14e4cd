// The main of tests that load LibTorch: googletest's, which then leaves at once. Taking LibTorch's
// tables of operators apart costs every process 0.15 seconds, and ctest starts hundreds of them.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const int result = RUN_ALL_TESTS();
  std::fflush(nullptr);
  std::_Exit(result);
}
