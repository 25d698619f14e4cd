#include <gtest/gtest.h>

#include <cstring>

#include "braid/runner/braid_run.h"
#include "tests/runner/cases.h"

namespace braid::runner {
namespace {

TEST(CInterface, OpensRunsAndDescribes) {
  const auto bytes = case_model("gemm");
  BraidRunModel* model = braid_run_open_memory(bytes.data(), bytes.size(), 1);
  ASSERT_NE(model, nullptr) << braid_run_error();
  ASSERT_EQ(braid_run_input_count(model), 1u);
  ASSERT_EQ(braid_run_output_count(model), 1u);
  EXPECT_STREQ(braid_run_input(model, 0).name, "x");
  EXPECT_EQ(braid_run_input(model, 0).rank, 2u);
  EXPECT_EQ(braid_run_input(model, 1).name, nullptr);
  EXPECT_EQ(braid_run_metadata(model, "architecture"), nullptr);

  const auto session = Session::of_bytes(bytes, "gemm");
  const Tensor x = case_tensors(*session, "gemm", "in").at("x");
  BraidRunTensor input{"x", BRAID_RUN_FLOAT32, x.dims().size(), x.dims().data(), x.raw()}, output{};
  ASSERT_EQ(braid_run(model, &input, 1, &output, 1), 0) << braid_run_error();
  EXPECT_STREQ(output.name, "y");
  ASSERT_EQ(output.rank, 2u);
  EXPECT_EQ(output.dims[1], 17);
  const Tensor expected = case_tensors(*session, "gemm", "out").at("y");
  for (int64_t i = 0; i < expected.count(); ++i)
    ASSERT_NEAR(static_cast<const float*>(output.data)[i], expected.as<float>()[i], 1e-4f);
  braid_run_free(model);
}

TEST(CInterface, SaysWhatIsWrong) {
  EXPECT_EQ(braid_run_open_file("/nowhere/model.onnx", 1), nullptr);
  EXPECT_NE(std::strstr(braid_run_error(), "/nowhere/model.onnx"), nullptr) << braid_run_error();
  EXPECT_EQ(braid_run_open_memory("no model", 8, 1), nullptr);
  EXPECT_NE(std::strlen(braid_run_error()), 0u);
  const auto bytes = case_model("gemm");
  BraidRunModel* model = braid_run_open_memory(bytes.data(), bytes.size(), 1);
  ASSERT_NE(model, nullptr);
  BraidRunTensor output{};
  EXPECT_EQ(braid_run(model, nullptr, 0, &output, 1), 65);
  EXPECT_NE(std::strstr(braid_run_error(), "'x'"), nullptr) << braid_run_error();
  const auto session = Session::of_bytes(bytes, "gemm");
  const Tensor x = case_tensors(*session, "gemm", "in").at("x");
  const BraidRunTensor given{"x", BRAID_RUN_FLOAT32, x.dims().size(), x.dims().data(), x.raw()};
  const BraidRunTensor twice[] = {given, given};
  EXPECT_EQ(braid_run(model, twice, 2, &output, 1), 65);
  EXPECT_NE(std::strstr(braid_run_error(), "'x' twice"), nullptr) << braid_run_error();
  EXPECT_EQ(braid_run(model, nullptr, 1, &output, 1), 65);
  EXPECT_EQ(braid_run(model, &given, 1, nullptr, 1), 65);
  braid_run_free(model);
  EXPECT_EQ(braid_run_input_count(nullptr), 0u);
  EXPECT_EQ(braid_run_output_count(nullptr), 0u);
  EXPECT_EQ(braid_run_input(nullptr, 0).name, nullptr);
  EXPECT_EQ(braid_run_output(nullptr, 0).name, nullptr);
  EXPECT_EQ(braid_run_metadata(nullptr, "architecture"), nullptr);
  EXPECT_EQ(braid_run(nullptr, nullptr, 0, &output, 1), 65);
  braid_run_free(nullptr);
}

}  // namespace
}  // namespace braid::runner
