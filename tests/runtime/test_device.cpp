#include "braid/runtime/device.h"

#include <gtest/gtest.h>

#include "braid/core/error.h"

namespace braid::runtime {
namespace {

TEST(Device, NamesOfDevices) {
  EXPECT_TRUE(resolve_device("cpu").is_cpu());
  for (const char* name :
       {"", "gpu", "cuda:", "cuda:x", "meta", "cpu0", "cuda:99", "cuda:256", "cuda:00", "cuda:-1"})
    EXPECT_THROW(resolve_device(name), ConfigError) << name;
  if (torch::cuda::is_available())
    EXPECT_TRUE(resolve_device("cuda").is_cuda());
  else
    EXPECT_THROW(resolve_device("cuda"), ConfigError);
}

TEST(Device, OfAModule) {
  torch::nn::Linear linear(1, 1);
  EXPECT_TRUE(device_of(*linear).is_cpu());
  EXPECT_TRUE(device_of(*torch::nn::ReLU()).is_cpu());
}

}  // namespace
}  // namespace braid::runtime
