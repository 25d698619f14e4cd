// The written file, read back field by field. Engines are asked in scripts/parity_onnx.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <map>
#include <set>

#include "braid/core/error.h"
#include "braid/export/export_image_model.h"
#include "braid/export/export_text_model.h"
#include "braid/export/onnx/export_onnx.h"
#include "braid/export/onnx/proto.h"
#include "braid/export/text_graph.h"
#include "braid/graph/capture.h"
#include "braid/graph/passes/passes.h"
#include "braid/io/atomic_file.h"
#include "braid/models/registry.h"
#include "braid/models/text/text_embeddings.h"
#include "tests/export/read_model.h"

namespace braid::onnx {
namespace {

using ::testing::HasSubstr;

models::LoadedModel load(const std::string& name) {
  models::LoadedModel loaded;
  loaded.model = models::create_model<models::ImageModel>(name, {{"num_classes", 5}});
  loaded.model->eval();
  loaded.hub = models::make_image_hub_config(name, *loaded.model);
  return loaded;
}

ReadModel export_and_read(models::LoadedModel loaded, const ExportOptions& options,
                          ExportReport* report = nullptr) {
  const auto file = std::filesystem::temp_directory_path() /
                    ("braid_onnx_" + loaded.hub.architecture + std::to_string(::getpid()));
  const auto written = export_image_model(loaded, file, options);
  if (report != nullptr) *report = written;
  const auto bytes = io::read_file(file);
  std::filesystem::remove(file);
  EXPECT_EQ(written.bytes, static_cast<int64_t>(bytes.size()));
  return read(std::string(bytes.begin(), bytes.end()));
}

class Families : public ::testing::TestWithParam<std::string> {};

TEST_P(Families, FileIsWhole) {
  ExportReport report;
  const auto model = export_and_read(load(GetParam()), {}, &report);
  EXPECT_EQ(model.ir_version, 9);
  EXPECT_EQ(model.opset, 20);
  EXPECT_LT(report.relative_error, 2e-5);
  expect_ordered(model);
  EXPECT_EQ(model.inputs.at("pixel_values"), (std::vector<std::string>{"batch", "3", "32", "32"}));
  EXPECT_EQ(model.outputs.at("logits"), (std::vector<std::string>{"batch", "5"}));
  EXPECT_EQ(model.metadata.at("architecture"), GetParam());
  const Json preprocessing = Json::parse(model.metadata.at("preprocessing"));
  EXPECT_EQ(preprocessing.at("input_size"), (Json{3, 32, 32}));
  EXPECT_TRUE(preprocessing.contains("mean"));
}

INSTANTIATE_TEST_SUITE_P(Small, Families,
                         ::testing::Values("resnet20", "cct_2_3x2_32", "vit_lite_7_4_32"));

TEST(Export, TextsAreFreeInBatchAndLength) {
  models::LoadedTextEncoder loaded;
  loaded.model = models::create_model<models::TextEncoder>(
      "bert_tiny", {{"head", "sequence_classification"}, {"num_labels", 2}, {"vocab_size", 40}});
  loaded.model->eval();
  loaded.hub = models::make_hub_config("bert_tiny", *loaded.model);
  loaded.hub.classes = {"bad", "good"};
  const auto folder =
      std::filesystem::temp_directory_path() / ("braid_onnx_texts" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  io::write_file_atomic(folder / "vocab.txt", "[PAD]\n[UNK]\n");
  const auto report = export_text_model(loaded, folder, folder / "a.onnx");
  EXPECT_EQ(report.input, "input_ids NxL, attention_mask NxL, token_type_ids NxL");
  EXPECT_LT(report.relative_error, 2e-5);
  const auto bytes = io::read_file(folder / "a.onnx");
  // Texts are cut where they were cut in training, which `braid train` writes there.
  io::write_file_atomic(folder / "tokenizer_config.json", R"({"model_max_length": 24})");
  EXPECT_EQ(onnx_options(loaded, folder).metadata.at("max_length"), "24");
  io::write_file_atomic(folder / "tokenizer_config.json", R"({"model_max_length": 1e30})");
  EXPECT_EQ(onnx_options(loaded, folder).metadata.at("max_length"), "512");
  io::write_file_atomic(folder / "tokenizer.json",
                        "{\n  \"a b\": [ 1,\t2 ],\r\n \"say \\\" \\\\\": \" \\\" \"\n}\n");
  EXPECT_EQ(onnx_options(loaded, folder).metadata.at("tokenizer.json"),
            R"({"a b":[1,2],"say \" \\":" \" "})")
      << "blanks between words go, those within stay";
  EXPECT_FALSE(onnx_options(loaded, folder).metadata.contains("text_pairs"));
  loaded.hub.text_pairs = true;
  EXPECT_EQ(onnx_options(loaded, folder).metadata.at("text_pairs"), "true");
  EXPECT_FALSE(onnx_options(loaded, folder).metadata.contains("problem_type"));
  loaded.hub.problem_type = models::kSeveralLabels;
  EXPECT_EQ(onnx_options(loaded, folder).metadata.at("problem_type"), "multi_label_classification");
  std::filesystem::remove_all(folder);
  const auto model = read(std::string(bytes.begin(), bytes.end()));
  expect_ordered(model);
  EXPECT_EQ(model.inputs.at("input_ids"), (std::vector<std::string>{"batch", "sequence"}));
  EXPECT_EQ(model.outputs.at("logits"), (std::vector<std::string>{"batch", "2"}));
  EXPECT_EQ(model.metadata.at("vocab.txt"), "[PAD]\n[UNK]\n");
  EXPECT_EQ(model.metadata.at("max_length"), "512");
  EXPECT_EQ(Json::parse(model.metadata.at("label_names")), (Json{"bad", "good"}));
}

TEST(Export, TextsMayHaveAnyKindOfPositions) {
  const auto folder = std::filesystem::temp_directory_path() /
                      ("braid_onnx_positions" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  for (const auto& positions : models::text_positions_names()) {
    models::LoadedTextEncoder loaded;
    loaded.model = models::create_model<models::TextEncoder>(
        "bert_tiny", {{"head", "sequence_classification"},
                      {"vocab_size", 40},
                      {"hidden_size", 16},
                      {"num_attention_heads", 2},
                      {"intermediate_size", 16},
                      {"initializer_range", 0.5},
                      {"position_embedding_type", positions}});
    loaded.model->eval();
    loaded.hub = models::make_hub_config("bert_tiny", *loaded.model);
    const auto report = export_text_model(loaded, folder, folder / "a.onnx");
    EXPECT_LT(report.relative_error, 2e-5) << positions;
    EXPECT_TRUE(report.file_relative_error) << positions << ": braid-run lacks an operator";
    EXPECT_LT(report.file_relative_error.value_or(0), 2e-5) << positions;
  }
  std::filesystem::remove_all(folder);
}

TEST(Export, InitializersHaveTheBytesOfTheirShapes) {
  const auto model = export_and_read(load("resnet20"), {});
  const auto& [dims, bytes] = model.initializers.at("conv1.weight");
  EXPECT_EQ(dims, (std::vector<int64_t>{16, 3, 3, 3}));
  EXPECT_EQ(bytes, 4u * 16 * 3 * 3 * 3);
  EXPECT_EQ(model.initializers.at("conv1.bias").first, (std::vector<int64_t>{16}));  // of its norm
}

TEST(Export, ClassNamesTravel) {
  auto loaded = load("resnet20");
  loaded.hub.classes = {"a", "b", "c", "d", "\"e\""};
  const auto model = export_and_read(std::move(loaded), {});
  EXPECT_EQ(Json::parse(model.metadata.at("preprocessing")).at("label_names").at(4), "\"e\"");
}

TEST(Export, PreprocessingGoesIntoTheGraph) {
  const auto model = export_and_read(load("resnet20"), {.with_preprocessing = true});
  expect_ordered(model);
  EXPECT_EQ(model.inputs.at("image"), (std::vector<std::string>{"batch", "height", "width", "3"}));
  EXPECT_EQ(model.outputs.at("probabilities"), (std::vector<std::string>{"batch", "5"}));
  std::set<std::string> types;
  for (const auto& node : model.nodes) types.insert(node.op_type);
  for (const char* type : {"Resize", "Slice", "Softmax"}) EXPECT_TRUE(types.contains(type)) << type;
}

TEST(Export, PreprocessingNeedsClasses) {
  auto loaded = load("resnet20");
  loaded.model->reset_classifier(0);
  EXPECT_THROW(export_and_read(std::move(loaded), {.with_preprocessing = true}), DataError);
}

std::string export_function(std::function<torch::Tensor(const torch::Tensor&)> run) {
  using Tensors = graph::CaptureRequest::Tensors;
  auto graph = graph::capture({.run = [&](const Tensors& x) { return Tensors{run(x.at(0))}; },
                               .example =
                                   [](graph::Sizes sizes) {
                                     return Tensors{torch::randn({sizes.batch, 4, 6})};
                                   },
                               .module = nullptr,
                               .input_names = {"x"},
                               .output_names = {"y"}});
  graph::simplify(graph);
  return export_onnx(graph, {});
}

TEST(Export, NamesAnOperatorWithoutTranslation) {
  try {
    export_function([](const torch::Tensor& x) { return std::get<0>(at::cummax(x, 1)); });
    FAIL() << "was exported";
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("aten::cummax"));
    EXPECT_THAT(e.what(), HasSubstr("translation"));
  }
}

TEST(Export, NamesAUseWithoutTranslation) {
  try {
    export_function([](const torch::Tensor& x) { return x.norm(3, {1}); });
    FAIL() << "was exported";
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("order 1 or 2"));
  }
}

TEST(Export, AnOutputThatIsTheInputIsCopied) {
  const auto model = read(export_function([](const torch::Tensor& x) { return x.clone(); }));
  expect_ordered(model);
  ASSERT_EQ(model.nodes.size(), 1u);
  EXPECT_EQ(model.nodes[0].op_type, "Identity");
}

TEST(Export, AdaptivePoolingOverUnevenWindowsIsTwoProducts) {
  const auto model = read(export_function([](const torch::Tensor& x) {  // [N,4,6]
    return torch::adaptive_avg_pool2d(x.unsqueeze(1), {3, 5});
  }));
  expect_ordered(model);
  EXPECT_EQ(std::count_if(model.nodes.begin(), model.nodes.end(),
                          [](const auto& node) { return node.op_type == "MatMul"; }),
            2);
}

// OpenVINO takes what quantizes a largest value into the operator that finds it, wrongly.
TEST(Export, WhatFollowsAnExtremumDoesNotTouchIt) {
  for (const auto& find : std::vector<std::function<torch::Tensor(const torch::Tensor&)>>{
           [](const torch::Tensor& x) { return x.amax(2); },
           [](const torch::Tensor& x) { return x.to(torch::kLong).amax(2); },
           [](const torch::Tensor& x) {
             return x.amax({1, 2});
           },
           [](const torch::Tensor& x) { return x.amax(2, true); },
           [](const torch::Tensor& x) { return x.amin(1, true); },
           [](const torch::Tensor& x) { return x.amin(-1); },
           [](const torch::Tensor& x) { return std::get<0>(x.max(1)); }}) {
    const auto model = read(export_function([&](const torch::Tensor& x) { return find(x) + 1; }));
    expect_ordered(model);
    const auto found = std::find_if(model.nodes.begin(), model.nodes.end(), [](const auto& node) {
      return node.op_type.starts_with("Reduce") || node.op_type == "GlobalMaxPool";
    });
    ASSERT_NE(found, model.nodes.end());
    const auto& extremum = found->outputs.at(0);
    for (const auto& node : model.nodes)
      for (const auto& input : node.inputs)
        EXPECT_TRUE(input != extremum || node.op_type == "Reshape");
  }
}

TEST(Export, ShapesThatFollowTheBatchAreComputed) {
  const auto model = read(export_function([](const torch::Tensor& x) {
    return torch::cat({torch::ones({1, 1, 6}).expand({x.size(0), -1, -1}), x}, 1);
  }));
  expect_ordered(model);
  std::multiset<std::string> types;
  for (const auto& node : model.nodes) types.insert(node.op_type);
  EXPECT_EQ(types, (std::multiset<std::string>{"Concat", "Concat", "Expand", "Shape"}));
}

TEST(Serialize, RefusesWhatOneFileCannotHold) {
  ModelProto model;
  for (int i = 0; i < 2; ++i) {
    Initializer large{
        .name = "w" + std::to_string(i), .type = DataType::kUint8, .dims = {}, .bytes = ""};
    large.bytes.resize(size_t{1} << 30);
    model.initializers.push_back(std::move(large));
  }
  try {
    serialize(model);
    FAIL() << "was written";
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("2 GB"));
  }
}

}  // namespace
}  // namespace braid::onnx
