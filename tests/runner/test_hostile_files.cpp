// Files that are broken or made to do harm: a DataError, or a run, and nothing else.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <random>

#include "braid/core/cpu.h"
#include "braid/core/error.h"
#include "cases.h"
#include "written_files.h"

namespace braid::runner {
namespace {

std::string error_of(const std::vector<uint8_t>& model) {
  try {
    Session::of_bytes(model, "file.onnx", {.most_bytes = 64 << 20});
  } catch (const DataError& e) {
    return e.what();
  }
  return "";
}

// Loads and runs on inputs of ones; whatever is wrong is a DataError.
void load_and_run(const std::vector<uint8_t>& model) {
  try {
    const auto session = Session::of_bytes(model, "file.onnx", {.most_bytes = 64 << 20});
    std::map<std::string, Tensor> inputs;
    for (const auto& value : session->inputs()) {
      auto dims = value.dims;
      for (auto& dim : dims) dim = dim < 0 ? 3 : dim;
      Tensor tensor = session->make(value.dtype, dims);
      std::fill_n(tensor.raw(), tensor.byte_size(), std::byte{1});
      inputs[value.name] = tensor;
    }
    session->run(inputs);
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
