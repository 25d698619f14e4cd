// Files that are broken or made to do harm: a DataError, or a run, and nothing else.
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <random>

#include "braid/core/cpu.h"
#include "braid/core/error.h"
#include "tests/runner/cases.h"
#include "tests/runner/narrow_weights.h"
#include "tests/runner/run_on_ones.h"
#include "tests/runner/written_files.h"

namespace braid::runner {
namespace {

constexpr int32_t kOfInt4 = 22;  // ONNX's number of the type

std::string error_of(const std::vector<uint8_t>& model) {
  try {
    Session::of_bytes(model, "file.onnx", {.most_bytes = 64 << 20});
  } catch (const DataError& e) {
    return e.what();
  }
  return "";
}

// Loads and runs; whatever is wrong is a DataError.
void load_and_run(const std::vector<uint8_t>& model) {
  try {
    const auto session = Session::of_bytes(model, "file.onnx", {.most_bytes = 64 << 20});
    run_on_ones(*session, 3);
  } catch (const DataError&) {
  }
}

TEST(HostileFiles, CutAnywhere) {
  for (const char* name : {"conv_relu_residual", "quantized_conv", "linear"}) {
    const auto model = case_model(name);
    for (size_t size = 0; size < model.size(); size += 1 + size / 40)
      EXPECT_NO_THROW(load_and_run({model.begin(), model.begin() + static_cast<int64_t>(size)}))
          << name << " cut at " << size;
  }
}

TEST(HostileFiles, BytesThatAreChanged) {
  std::mt19937 random(1);
  for (const auto& name : case_names()) {
    const auto model = case_model(name);
    for (int i = 0; i < 12; ++i) {
      auto changed = model;
      for (int k = 0; k < 3; ++k)
        changed[random() % changed.size()] = static_cast<uint8_t>(random());
      EXPECT_NO_THROW(load_and_run(changed)) << name << " " << i;
    }
  }
}

TEST(HostileFiles, WeightsOfFourBitsThatAreCutOrChanged) {
  std::mt19937 random(2);
  for (const char* name : {"quantized_conv", "quantized_gemm"}) {
    const auto model = narrow_case_model(name, DType::kInt4);
    for (size_t size = 0; size < model.size(); size += 1 + size / 40)
      EXPECT_NO_THROW(load_and_run({model.begin(), model.begin() + static_cast<int64_t>(size)}))
          << name << " cut at " << size;
    for (int i = 0; i < 60; ++i) {
      auto changed = model;
      for (int k = 0; k < 3; ++k)
        changed[random() % changed.size()] = static_cast<uint8_t>(random());
      EXPECT_NO_THROW(load_and_run(changed)) << name << " " << i;
    }
  }
}

TEST(HostileFiles, NoOnnxAtAll) {
  EXPECT_NE(error_of({}).find("expected a graph, got none"), std::string::npos);
  EXPECT_NE(error_of(bytes_of("not a model, but some text")), "");
}

TEST(HostileFiles, SizesThatOverflow) {
  const int64_t large = std::numeric_limits<int64_t>::max() / 2;
  const auto error = error_of(model_of([&](pbf_writer& graph) {
    add_tensor(graph, "w", 1, {large, large, 8}, "1234");
    add_value(graph, 12, "w", 1, {});
  }));
  EXPECT_NE(error.find("tensor 'w'"), std::string::npos) << error;
  EXPECT_NE(error.find("fits into memory"), std::string::npos) << error;
}

TEST(HostileFiles, SizesThatDisagreeWithTheBytes) {
  const auto error = error_of(model_of([](pbf_writer& graph) {
    add_tensor(graph, "w", 1, {3, 5}, "1234");
  }));
  EXPECT_NE(error.find("expected 60 bytes of float32 [3, 5], got 4"), std::string::npos) << error;
  EXPECT_NE(error_of(model_of([](pbf_writer& graph) { add_tensor(graph, "w", 1, {-1}, ""); })), "");
}

// Two numbers in a byte: more elements than bytes, but not more than twice as many.
TEST(HostileFiles, NumbersOfFourBitsInTooFewOrTooManyBytes) {
  const auto error_for = [](const std::vector<int64_t>& dims, size_t bytes) {
    return error_of(model_of(
        [&](pbf_writer& graph) {
          add_tensor(graph, "w", kOfInt4, dims, std::string(bytes, '\x21'));
          add_tensor(graph, "s", 1, {}, std::string("\0\0\0\x40", 4));
          add_node(graph, "DequantizeLinear", {"w", "s"}, {"y"});
          add_value(graph, 12, "y", 1, dims);
        },
        21));
  };
  EXPECT_EQ(error_for({3}, 2), "");
  EXPECT_EQ(error_for({2, 2}, 2), "");
  EXPECT_EQ(error_for({0}, 0), "");
  for (const size_t bytes : {0U, 1U, 3U, 5U}) {
    const auto error = error_for({3}, bytes);
    EXPECT_NE(error.find("tensor 'w'"), std::string::npos) << error;
    EXPECT_NE(error.find("expected 2 bytes of int4 [3], got " + std::to_string(bytes)),
              std::string::npos)
        << error;
  }
  const int64_t large = int64_t{1} << 44;  // elements that nobody makes room for
  EXPECT_NE(error_for({large}, 4).find("bytes of int4"), std::string::npos);
  EXPECT_NE(error_for({large, large}, 4).find("fits into memory"), std::string::npos);
  EXPECT_NE(error_for({-2}, 4), "");
}

// y of a file that has no input.
std::vector<float> numbers_of(const std::vector<uint8_t>& model) {
  const auto session = Session::of_bytes(model, "file.onnx", {.most_bytes = 64 << 20});
  const Tensor y = session->run({}).at(0);
  return {y.as<float>(), y.as<float>() + y.count()};
}

TEST(HostileFiles, NumbersOfFourBitsOutsideOfRawBytes) {
  const auto model = [](const std::vector<int32_t>& bytes) {
    return model_of(
        [&](pbf_writer& graph) {
          {
            pbf_writer tensor(graph, 5);
            tensor.add_int64(1, 3);
            tensor.add_int32(2, kOfInt4);
            tensor.add_packed_int32(5, bytes.begin(), bytes.end());
            tensor.add_string(8, "w");
          }
          add_tensor(graph, "s", 1, {}, std::string("\0\0\0\x40", 4));  // 2
          add_node(graph, "DequantizeLinear", {"w", "s"}, {"y"});
          add_value(graph, 12, "y", 1, {3});
        },
        21);
  };
  EXPECT_EQ(numbers_of(model({0xf1, 0x08})), (std::vector<float>{2, -2, -16}));
  EXPECT_EQ(numbers_of(model({0xf1, 0x78})), (std::vector<float>{2, -2, -16}))
      << "half a byte that is left over says nothing";
  EXPECT_NE(error_of(model({0xf1, 0x108})).find("got 264"), std::string::npos);
  EXPECT_NE(error_of(model({0xf1})).find("expected 2 bytes"), std::string::npos);
}

TEST(HostileFiles, NumbersOfFourBitsWhereNoneBelong) {
  const auto run_error = [](const std::function<void(pbf_writer&)>& fill_graph) {
    try {
      numbers_of(model_of(
          [&](pbf_writer& graph) {
            add_tensor(graph, "w", kOfInt4, {2}, "\x21");
            add_tensor(graph, "zero", kOfInt4, {}, std::string(1, '\0'));
            add_tensor(graph, "byte", 3, {}, std::string(1, '\0'));
            add_tensor(graph, "s", 1, {}, std::string("\0\0\0\x40", 4));
            fill_graph(graph);
            add_value(graph, 12, "y", 1, {2});
          },
          21));
    } catch (const DataError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  const auto of_node = [&](const char* type, const std::vector<std::string>& inputs) {
    return run_error([&](pbf_writer& graph) { add_node(graph, type, inputs, {"y"}); });
  };
  EXPECT_EQ(of_node("DequantizeLinear", {"w", "s", "zero"}), "");
  EXPECT_NE(of_node("DequantizeLinear", {"w", "s", "byte"}).find("expected int4, got int8"),
            std::string::npos);
  EXPECT_NE(of_node("Add", {"w", "w"}).find("got int4"), std::string::npos);
  EXPECT_NE(of_node("Identity", {"w"}).find("expected float32 as output 'y'"), std::string::npos);
  EXPECT_NE(run_error([](pbf_writer& graph) {
              add_node(graph, "DequantizeLinear", {"w", "s"}, {"x"});
              add_node(graph, "QuantizeLinear", {"x", "s", "zero"}, {"q"});
              add_node(graph, "DequantizeLinear", {"q", "s", "zero"}, {"y"});
            }).find("zero points of uint8 or int8, got int4"),
            std::string::npos)
      << "activations of 4 bits";
  EXPECT_NE(run_error([](pbf_writer& graph) {
              add_value(graph, 11, "x", kOfInt4, {2});
            }).find("got type 22 of ONNX"),
            std::string::npos);
}

TEST(HostileFiles, ACircle) {
  const auto error = error_of(model_of([](pbf_writer& graph) {
    add_node(graph, "Relu", {"b"}, {"a"});
    add_node(graph, "Relu", {"a"}, {"b"});
    add_value(graph, 12, "b", 1, {1});
  }));
  EXPECT_NE(error.find("got 'b', which is missing or part of a circle"), std::string::npos)
      << error;
}

TEST(HostileFiles, ValuesThatNobodyMakesOrThatAreMadeTwice) {
  EXPECT_NE(error_of(model_of([](pbf_writer& graph) {
              add_node(graph, "Relu", {"nobody"}, {"a"});
              add_value(graph, 12, "a", 1, {1});
            })).find("'nobody'"),
            std::string::npos);
  EXPECT_NE(error_of(model_of([](pbf_writer& graph) {
              add_value(graph, 11, "x", 1, {1});
              add_node(graph, "Relu", {"x"}, {"a"});
              add_node(graph, "Neg", {"x"}, {"a"});
              add_value(graph, 12, "a", 1, {1});
            })).find("'a' twice"),
            std::string::npos);
  EXPECT_NE(error_of(model_of([](pbf_writer& graph) { add_value(graph, 12, "a", 1, {1}); })), "");
}

TEST(HostileFiles, OperatorsThatAreNotKnown) {
  for (const char* type : {"Loop", "NonMaxSuppression", "braid.Linear", "braid.QuantizedConv"}) {
    const auto error = error_of(model_of([&](pbf_writer& graph) {
      add_value(graph, 11, "x", 1, {1});
      add_node(graph, type, {"x"}, {"a"});
      add_value(graph, 12, "a", 1, {1});
    }));
    EXPECT_NE(error.find(type), std::string::npos) << error;
  }
}

TEST(HostileFiles, WrongTypesAndTooFewInputs) {
  EXPECT_NE(error_of(model_of([](pbf_writer& graph) {
              add_tensor(graph, "w", 8, {1}, "text");
            })).find("got type 8 of ONNX"),
            std::string::npos);
  EXPECT_NE(error_of(model_of([](pbf_writer& graph) {
              add_value(graph, 11, "x", 1, {1});
              add_node(graph, "Conv", {"x"}, {"a"});
              add_value(graph, 12, "a", 1, {1});
            })).find("inputs"),
            std::string::npos);
  EXPECT_NE(error_of(model_of([](pbf_writer&) {}, 99)).find("operator set"), std::string::npos);
}

// A small file that asks for much: refused by the limit, before memory is taken.
TEST(HostileFiles, MoreThanThereIs) {
  const std::string huge("\x00\x00\x00\x00\x10\x00\x00\x00", 8);  // 2^36
  const auto error = error_of(model_of([&](pbf_writer& graph) {
    add_tensor(graph, "one", 1, {1}, std::string(4, '\0'));
    add_tensor(graph, "sizes", 7, {1}, huge);
    add_node(graph, "Expand", {"one", "sizes"}, {"a"});
    add_value(graph, 12, "a", 1, {1});
  }));
  EXPECT_NE(error.find("memory"), std::string::npos) << error;
}

TEST(HostileFiles, NoMoreThanHalfOfTheMemoryUnlessToldOtherwise) {
  const std::string huge("\x00\x00\x00\x00\x00\x01\x00\x00", 8);  // 2^40
  const auto model = model_of([&](pbf_writer& graph) {
    add_tensor(graph, "one", 1, {1}, std::string(4, '\0'));
    add_tensor(graph, "sizes", 7, {1}, huge);
    add_node(graph, "Expand", {"one", "sizes"}, {"a"});
    add_value(graph, 12, "a", 1, {1});
  });
  try {
    Session::of_bytes(model, "file.onnx");
    FAIL() << "expected DataError";
  } catch (const DataError& e) {
    const std::string said = e.what();
    EXPECT_NE(said.find(std::to_string(usable_memory() / 2) + " bytes"), std::string::npos) << said;
    EXPECT_NE(said.find("file.onnx"), std::string::npos) << said;
  }
}

TEST(HostileFiles, InputsThatDoNotFit) {
  const auto model = case_model("conv3x3");
  const auto session = Session::of_bytes(model, "file.onnx");
  EXPECT_THROW(session->run({}), DataError);
  EXPECT_THROW(session->run({{"x", session->make(DType::kUint8, {1, 5, 4, 4})}}), DataError);
  EXPECT_THROW(session->run({{"x", session->make(DType::kFloat, {5, 4, 4})}}), DataError);
  EXPECT_THROW(session->run({{"x", session->make(DType::kFloat, {1, 4, 4, 4})}}), DataError);
}

}  // namespace
}  // namespace braid::runner
