// What seeds/ holds goes through its fuzz target without libFuzzer: what once crashed one is kept
// there. An input that makes a target abort or throw ends the test; the sanitizers' presets see the
// rest.
#include <gtest/gtest.h>

#include <filesystem>
#include <utility>
#include <vector>

#include "braid/io/atomic_file.h"

using FuzzTarget = int (*)(const uint8_t* data, size_t size);

#define BRAID_FUZZ_TARGET(name) extern "C" int name(const uint8_t* data, size_t size);
#include "fuzz_targets.inc"
#undef BRAID_FUZZ_TARGET

namespace {

namespace fs = std::filesystem;

#define BRAID_FUZZ_TARGET(name) {#name, name},
const std::vector<std::pair<const char*, FuzzTarget>> kTargets = {
#include "fuzz_targets.inc"
};

class FuzzReplay : public ::testing::TestWithParam<std::pair<const char*, FuzzTarget>> {};

TEST_P(FuzzReplay, SeedsAreReadOrRefused) {
  const auto [name, target] = GetParam();
  const fs::path folder = fs::path(BRAID_TEST_SOURCE_DIR) / "fuzz/seeds" / name;
  ASSERT_TRUE(fs::is_directory(folder)) << "a fuzz target begins with a seed of its own";
  for (const auto& entry : fs::directory_iterator(folder)) {
    SCOPED_TRACE(entry.path().string());
    const auto bytes = braid::io::read_file(entry.path());
    EXPECT_NO_THROW(target(bytes.data(), bytes.size()));
  }
  const uint8_t nothing = 0;
  EXPECT_NO_THROW(target(&nothing, 0));
}

INSTANTIATE_TEST_SUITE_P(Targets, FuzzReplay, ::testing::ValuesIn(kTargets),
                         [](const auto& info) { return std::string(info.param.first); });

}  // namespace
