// What loading weights costs in memory.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "braid/models/model.h"
#include "braid/models/weights.h"
#include "braid/runtime/tensor_file.h"

namespace braid::models {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kLayers = 50, kSide = 1024;  // 50 matrices of 4 MiB each

class Stack final : public Model {
 public:
  Stack() {
    for (int64_t i = 0; i < kLayers; ++i)
      register_parameter("w" + std::to_string(i), torch::zeros({kSide, kSide}));
  }
  Json config() const override { return Json::object(); }
  std::vector<std::string> head_modules() const override { return {}; }
  int64_t layer_id(const std::string&) const override { return 0; }
  int64_t layer_count() const override { return 1; }
};

// Most memory that the process ever had, in bytes.
int64_t peak() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::stoll(line.substr(6)) * 1024;
  return 0;
}

// The peak from here on: writing 5 makes it what the process has now.
bool reset_peak() {
  return static_cast<bool>(std::ofstream("/proc/self/clear_refs") << 5 << std::flush);
}

TEST(LoadMemory, LoadingTakesLittleMoreThanTheModel) {
  const auto file =
      fs::temp_directory_path() / ("braid_memory_" + std::to_string(::getpid()) + ".safetensors");
  Stack model;
  {
    Stack other;
    const torch::NoGradGuard no_grad;
    for (auto& p : other.parameters()) p.fill_(3);
    save_weights(other, file);
  }
  const auto size = static_cast<int64_t>(fs::file_size(file));
  ASSERT_GT(size, 200'000'000);
  if (!reset_peak()) GTEST_SKIP() << "this system does not let a process reset its peak";
  const int64_t before = peak();
  load_weights(model, file);
  const int64_t growth = peak() - before;
  EXPECT_LT(growth, size / 5) << "weights were held a second time";
  EXPECT_TRUE(model.parameters().back().eq(3).all().item<bool>());

  ASSERT_TRUE(reset_peak());
  const int64_t start = peak();
  const auto tensors = runtime::load_tensors(file);
  EXPECT_LT(peak() - start, size + size / 3) << "the file and its tensors were in memory at once";
  EXPECT_EQ(tensors.size(), static_cast<size_t>(kLayers));
  fs::remove(file);
}

}  // namespace
}  // namespace braid::models
