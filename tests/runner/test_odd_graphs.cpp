// Graphs that no exporter writes: outputs and inputs that are left out, values without a name,
// whole numbers where floats are common; and what is given to files in corners.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <protozero/pbf_writer.hpp>

#include "braid/core/error.h"
#include "braid/runner/labels.h"
#include "braid/runner/text_input.h"
#include "tests/runner/cases.h"

namespace braid::runner {
namespace {

// A file that is written field by field; numbers are onnx.proto's.
class WrittenGraph {
 public:
  WrittenGraph& node(const std::string& type, const std::vector<std::string>& inputs,
                     const std::vector<std::string>& outputs,
                     const std::map<std::string, std::string>& words = {}) {
    protozero::pbf_writer graph(graph_);
    protozero::pbf_writer node(graph, 1);
    for (const auto& name : inputs) node.add_string(1, name);
    for (const auto& name : outputs) node.add_string(2, name);
    node.add_string(4, type);
    for (const auto& [name, word] : words) {
      protozero::pbf_writer attribute(node, 5);
      attribute.add_string(1, name);
      attribute.add_string(4, word);
    }
    return *this;
  }
  WrittenGraph& input(const std::string& name, DType dtype, const Dims& dims) {
    return value(11, name, dtype, dims);
  }
  WrittenGraph& output(const std::string& name, DType dtype, const Dims& dims) {
    return value(12, name, dtype, dims);
  }
  template <class T>
  WrittenGraph& constant(const std::string& name, DType dtype, const Dims& dims,
                         const std::vector<T>& numbers) {
    protozero::pbf_writer graph(graph_);
    protozero::pbf_writer tensor(graph, 5);
    for (const int64_t size : dims) tensor.add_int64(1, size);
    tensor.add_int32(2, static_cast<int32_t>(dtype));
    tensor.add_string(8, name);
    tensor.add_bytes(9, reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(T));
    return *this;
  }
  WrittenGraph& metadata(const std::string& key, const std::string& value) {
    metadata_[key] = value;
    return *this;
  }
  std::vector<uint8_t> bytes() const {
    std::string bytes;
    protozero::pbf_writer model(bytes);
    model.add_message(7, graph_);
    for (const auto& [key, value] : metadata_) {
      protozero::pbf_writer entry(model, 14);
      entry.add_string(1, key);
      entry.add_string(2, value);
    }
    protozero::pbf_writer set(model, 8);
    set.add_int64(2, 20);
    set.commit();
    return {bytes.begin(), bytes.end()};
  }
  // What it gives where it reads nothing.
  std::vector<Tensor> run() const {
    const auto all = bytes();
    return Session::of_bytes(all, "file.onnx")->run({});
  }

 private:
  WrittenGraph& value(uint32_t field, const std::string& name, DType dtype, const Dims& dims) {
    protozero::pbf_writer graph(graph_);
    protozero::pbf_writer value(graph, field);
    value.add_string(1, name);
    protozero::pbf_writer types(value, 2);
    protozero::pbf_writer tensor(types, 1);
    tensor.add_int32(1, static_cast<int32_t>(dtype));
    protozero::pbf_writer shape(tensor, 2);
    for (const int64_t size : dims) {
      protozero::pbf_writer dim(shape, 1);
      if (size >= 0)
        dim.add_int64(1, size);
      else
        dim.add_string(2, "n");  // free
    }
    return *this;
  }
  std::string graph_;
  std::map<std::string, std::string> metadata_;
};

template <class T>
std::vector<T> all_of(const Tensor& tensor) {
  return {tensor.as<T>(), tensor.as<T>() + tensor.count()};
}

// Operators of constants run when the file is loaded: what they give without a name is nobody's.
TEST(OddGraphs, AnOutputThatIsLeftOutIsNoInputThatIsLeftOut) {
  const auto file = WrittenGraph()
                        .input("x", DType::kFloat, {3})
                        .constant<float>("c", DType::kFloat, {4}, {7, 8, 1, 2})
                        .constant<float>("most", DType::kFloat, {}, {5})
                        .node("Split", {"c"}, {"", "b"})
                        .node("Clip", {"x", "", "most"}, {"a"})
                        .output("a", DType::kFloat, {3})
                        .output("b", DType::kFloat, {2})
                        .bytes();
  const auto session = Session::of_bytes(file, "file.onnx");
  auto x = session->make(DType::kFloat, {3});
  std::copy_n(std::vector<float>{-9, 9, 1}.begin(), 3, x.as<float>());
  const auto results = session->run({{"x", x}});
  EXPECT_EQ(all_of<float>(results.at(0)), (std::vector<float>{-9, 5, 1}));
  EXPECT_EQ(all_of<float>(results.at(1)), (std::vector<float>{1, 2}));
}

TEST(OddGraphs, InputsAndOutputsHaveNames) {
  const auto unnamed =
      WrittenGraph().input("", DType::kFloat, {1}).output("", DType::kFloat, {1}).bytes();
  try {
    Session::of_bytes(unnamed, "file.onnx");
    FAIL() << "expected DataError";
  } catch (const DataError& e) {
    EXPECT_NE(std::string(e.what()).find("name of each input"), std::string::npos) << e.what();
  }
}

TEST(OddGraphs, TheLargestOfNothingIsRefused) {
  for (const char* type : {"Max", "Min"}) {
    WrittenGraph graph;
    graph.constant<float>("x", DType::kFloat, {1}, {1})
        .node(type, {"x", ""}, {"a"})
        .output("a", DType::kFloat, {1});
    EXPECT_THROW(graph.run(), DataError) << type;
  }
}

TEST(OddGraphs, PowersOfWholeNumbersAreExact) {
  const auto of_64 = WrittenGraph()
                         .constant<int64_t>("x", DType::kInt64, {5}, {3, -2, 2, -1, 7})
                         .constant<int64_t>("y", DType::kInt64, {5}, {39, 63, -1, -3, 0})
                         .node("Pow", {"x", "y"}, {"a"})
                         .output("a", DType::kInt64, {5})
                         .run();
  EXPECT_EQ(all_of<int64_t>(of_64.at(0)),
            (std::vector<int64_t>{4052555153018976267, INT64_MIN, 0, -1, 1}));
  const auto of_32 = WrittenGraph()
                         .constant<int32_t>("x", DType::kInt32, {2}, {40'000, -46'340})
                         .constant<int32_t>("two", DType::kInt32, {}, {2})
                         .node("Pow", {"x", "two"}, {"a"})
                         .output("a", DType::kInt32, {2})
                         .run();
  EXPECT_EQ(all_of<int32_t>(of_32.at(0)), (std::vector<int32_t>{1'600'000'000, 2'147'395'600}));
}

// As LibTorch: place * input / output, rounded down.
TEST(OddGraphs, TheNearestPixelIsNotTheOneBefore) {
  std::vector<float> row(14);
  for (size_t i = 0; i < row.size(); ++i) row[i] = static_cast<float>(i);
  const auto results = WrittenGraph()
                           .constant<float>("x", DType::kFloat, {1, 1, 1, 14}, row)
                           .constant<int64_t>("size", DType::kInt64, {4}, {1, 1, 1, 18})
                           .node("Resize", {"x", "", "", "size"}, {"a"},
                                 {{"mode", "nearest"},
                                  {"coordinate_transformation_mode", "asymmetric"},
                                  {"nearest_mode", "floor"}})
                           .output("a", DType::kFloat, {1, 1, 1, 18})
                           .run();
  const auto got = all_of<float>(results.at(0));
  for (int i = 0; i < 18; ++i) {
    const int from = i * 14 / 18;
    EXPECT_EQ(got[static_cast<size_t>(i)], static_cast<float>(from)) << i;
  }
}

// Of a tokenizer that adds no tokens of its own. As it is trained and served.
TEST(OddGraphs, ATextWithoutTokensIsOneOfPadding) {
  const auto file =
      WrittenGraph()
          .input("input_ids", DType::kInt64, {-1, -1})
          .input("attention_mask", DType::kInt64, {-1, -1})
          .node("Add", {"input_ids", "attention_mask"}, {"a"})
          .output("a", DType::kInt64, {-1, -1})
          .metadata("tokenizer.json",
                    R"({"model":{"type":"WordPiece","unk_token":"[UNK]",)"
                    R"("vocab":{"[UNK]":0,"good":1,"[PAD]":2}},)"
                    R"("pre_tokenizer":{"type":"Whitespace"},"padding":{"pad_token":"[PAD]"}})")
          .bytes();
  const auto session = Session::of_bytes(file, "file.onnx");
  const TextInput input(*session);
  for (const auto& [text, id] : std::map<std::string, int64_t>{{"", 2}, {"good", 1}}) {
    const auto given = input.prepare(*session, input.encode({.text = text}));
    ASSERT_EQ(given.at("input_ids").dims(), (Dims{1, 1})) << text;
    EXPECT_EQ(*given.at("input_ids").as<int64_t>(), id);
    EXPECT_EQ(*given.at("attention_mask").as<int64_t>(), 1);
  }
}

// A server tells it from a file's other faults.
TEST(OddGraphs, WhatDoesNotFitIntoMemoryHasAnErrorOfItsOwn) {
  const auto file = WrittenGraph()
                        .input("x", DType::kFloat, {-1, 2})
                        .node("Relu", {"x"}, {"y"})
                        .output("y", DType::kFloat, {-1, 2})
                        .bytes();
  const auto session = Session::of_bytes(file, "file.onnx", {.most_bytes = 1 << 20});
  EXPECT_NO_THROW(session->make(DType::kFloat, {1, 2}));
  EXPECT_THROW(session->make(DType::kFloat, {1 << 20, 2}), OutOfMemoryError);
}

TEST(OddGraphs, SeveralLabelsHaveAProbabilityEach) {
  const auto labels_of = [](const std::string& problem_type) {
    const auto file = WrittenGraph()
                          .input("x", DType::kFloat, {-1, 2})
                          .node("Relu", {"x"}, {"logits"})
                          .output("logits", DType::kFloat, {-1, 2})
                          .metadata("problem_type", problem_type)
                          .bytes();
    const auto session = Session::of_bytes(file, "file.onnx");
    auto logits = session->make(DType::kFloat, {1, 2});
    logits.as<float>()[0] = 0;
    logits.as<float>()[1] = 2;
    return top_labels(*session, logits, {}, 2);
  };
  const auto several = labels_of("multi_label_classification");
  EXPECT_EQ(several.at(0).index, 1);
  EXPECT_NEAR(several.at(0).probability, 1 / (1 + std::exp(-2.0)), 1e-12);
  EXPECT_EQ(several.at(1).probability, 0.5);
  const auto one = labels_of("single_label_classification");
  EXPECT_NEAR(one.at(0).probability + one.at(1).probability, 1, 1e-12);
  EXPECT_THROW(labels_of("regression"), DataError);
}

// As in `braid predict` and in the server: no class is likelier than another.
TEST(OddGraphs, WhatIsNotFiniteHasNoLabels) {
  const auto file = WrittenGraph()
                        .input("x", DType::kFloat, {-1, 2})
                        .node("Relu", {"x"}, {"logits"})
                        .output("logits", DType::kFloat, {-1, 2})
                        .bytes();
  const auto session = Session::of_bytes(file, "file.onnx");
  auto logits = session->make(DType::kFloat, {1, 2});
  logits.as<float>()[0] = 1;
  logits.as<float>()[1] = 2;
  EXPECT_EQ(top_labels(*session, logits, {}, 1).at(0).index, 1);
  for (const float odd :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    logits.as<float>()[0] = odd;
    EXPECT_THROW(top_labels(*session, logits, {}, 1), DataError);
  }
}

}  // namespace
}  // namespace braid::runner
