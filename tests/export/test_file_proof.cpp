// Files are run before they are written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <limits>

#include "braid/core/error.h"
#include "braid/export/export_image_model.h"
#include "braid/export/export_text_model.h"
#include "braid/export/file_proof.h"
#include "braid/export/filled_zeros.h"
#include "braid/export/image_graph.h"
#include "braid/export/onnx/export_onnx.h"
#include "braid/export/onnx/proto.h"
#include "braid/export/quantize_model.h"
#include "braid/graph/capture.h"
#include "braid/graph/passes/passes.h"
#include "braid/models/registry.h"

namespace braid::onnx {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using torch::Tensor;

models::LoadedModel small_model() {
  models::LoadedModel loaded;
  loaded.model = models::create_model<models::ImageModel>("resnet20", {{"num_classes", 5}}, 1);
  loaded.model->eval();
  loaded.hub = models::make_image_hub_config("resnet20", *loaded.model);
  return loaded;
}

fs::path file_of(const std::string& name) {
  return fs::temp_directory_path() / ("braid_proof_" + name + std::to_string(::getpid()));
}

TEST(FileProof, AcceptsWhatTheModelSaysAndNothingElse) {
  auto loaded = small_model();
  const auto graph = make_image_graph(loaded).graph;
  const auto bytes = export_onnx(graph, onnx_options(loaded.hub, false));
  auto sample = graph::sample_of_noise(graph, *loaded.model, 2);
  const auto proof = prove_file(bytes, "resnet20", {sample});
  ASSERT_TRUE(proof.deviation);
  EXPECT_LT(proof.deviation->relative, 2e-5);
  EXPECT_EQ(proof.remark, "");
  sample.expected = sample.expected.flip(1);
  EXPECT_THROW(prove_file(bytes, "resnet20", {sample}), InternalError);
  sample.expected = sample.expected.narrow(1, 0, 1);
  EXPECT_THROW(prove_file(bytes, "resnet20", {sample}), InternalError) << "another shape";
  EXPECT_THROW(prove_file("no file", "resnet20", {}), DataError);
}

TEST(FileProof, NotANumberIsNotClose) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(expect_close({.absolute = none, .relative = none}, "x"), InternalError);
  EXPECT_NO_THROW(expect_close({.absolute = 3, .relative = 1e-6}, "x"));
}

TEST(FileProof, NamesAnOperatorThatIsNotKnown) {
  ModelProto model{.opset = kOpset, .producer_version = "", .name = "x"};
  model.inputs.push_back({.name = "a", .type = DataType::kFloat, .shape = {"batch"}});
  model.outputs.push_back({.name = "b", .type = DataType::kFloat, .shape = {"batch"}});
  model.nodes.push_back(
      {.op_type = "Det", .name = "n", .inputs = {"a"}, .outputs = {"b"}, .attributes = {}});
  const auto proof = prove_file(serialize(model), "x", {});
  EXPECT_FALSE(proof.deviation);
  EXPECT_THAT(proof.remark, HasSubstr("Det"));
}

class SaidOfQuantization final : public Progress {
 public:
  void line(const std::string& text) override { said += text + "\n"; }
  std::string said;
};

TEST(FileProof, AQuantizedFileThatWasNotRunSaysSo) {
  const auto kernel = torch::randn({5, 3, 3, 3}), matrix = torch::randn({4, 5});
  auto graph =
      graph::capture({.run =
                          [&](const std::vector<Tensor>& x) {
                            const auto pooled = at::conv2d(x.at(0), kernel).mean({2, 3});
                            return std::vector<Tensor>{at::einsum("nc,kc->nk", {pooled, matrix})};
                          },
                      .example =
                          [](graph::Sizes n) {
                            return std::vector{torch::randn({n.batch, 3, 6, 6})};
                          },
                      .module = nullptr,
                      .input_names = {data::kPixelValues},
                      .output_names = {"logits"}});
  graph::simplify(graph);
  CalibrationData images;
  images.calibration = {{.tensors = {{data::kPixelValues, torch::randn({8, 3, 6, 6})}},
                         .indices = std::vector<int64_t>(8)}};
  images.judged = images.calibration;
  const auto file = file_of("not_run");
  SaidOfQuantization progress;
  const auto report = quantize_model(
      graph, images, {.name = "einsum"}, file,
      {.data = "noise", .options = {.mode = "naive", .reduce_range = "off"}}, progress);
  fs::remove(file);
  EXPECT_FALSE(report.file_relative_error);
  EXPECT_THAT(report.remarks, ::testing::ElementsAre(HasSubstr("no operator Einsum")));
  EXPECT_THAT(progress.said, HasSubstr("no operator Einsum"));
}

TEST(FileProof, ZerosHaveNumbersForAScope) {
  torch::nn::Linear layer(4, 3);
  const auto bias = layer->bias.detach().clone();
  torch::nn::init::zeros_(layer->weight);
  {
    const FilledZeros filled(*layer);
    EXPECT_TRUE(filled.any());
    EXPECT_TRUE(layer->weight.ne(0).all().item<bool>());
    EXPECT_TRUE(layer->weight.requires_grad());
    EXPECT_TRUE(torch::equal(layer->bias, bias));
  }
  EXPECT_FALSE(layer->weight.any().item<bool>());
  torch::nn::init::ones_(layer->weight);
  EXPECT_FALSE(FilledZeros(*layer).any());
}

TEST(FileProof, AClassifierOfZerosStaysOne) {
  auto loaded = small_model();
  {
    const torch::NoGradGuard no_grad;
    for (auto& item : loaded.model->named_parameters())
      if (item.value().size(0) == 5) item.value().zero_();
  }
  const auto file = file_of("zeros");
  const auto report = export_image_model(loaded, file);
  fs::remove(file);
  EXPECT_EQ(report.file_max_error, 0.0);
  EXPECT_EQ(report.samples, "noise");
  EXPECT_FALSE(loaded.model->forward(torch::randn({1, 3, 32, 32})).any().item<bool>());
}

TEST(FileProof, ImagesGoTheirWholeWay) {
  auto loaded = small_model();
  io::Image image{.height = 40, .width = 50, .channels = 3, .pixels = {}};
  for (int64_t i = 0; i < 40 * 50 * 3; ++i)
    image.pixels.push_back(static_cast<uint8_t>(i * i / 97 + 13 * i));
  const auto file = file_of("images");
  for (const bool inside : {false, true})
    for (const auto& images : {std::vector<io::Image>{}, std::vector<io::Image>{image}}) {
      const auto report =
          export_image_model(loaded, file, {.with_preprocessing = inside, .images = images});
      ASSERT_TRUE(report.file_max_error);
      EXPECT_LT(*report.file_max_error, 1e-2);
      EXPECT_EQ(report.samples, images.empty() ? "noise" : "1 images");
      EXPECT_TRUE(report.remarks.empty());
    }
  fs::remove(file);
}

TEST(FileProof, TextsHaveTwoLengthsAndPadding) {
  models::LoadedTextEncoder loaded;
  loaded.model = models::create_model<models::TextEncoder>(
      "bert_tiny", {{"head", "sequence_classification"}, {"num_labels", 2}, {"vocab_size", 40}});
  loaded.model->eval();
  loaded.hub = models::make_hub_config("bert_tiny", *loaded.model);
  data::Batch texts{.tensors = {{data::kInputIds, torch::randint(40, {3, 9}, torch::kLong)},
                                {data::kAttentionMask, torch::ones({3, 9}, torch::kLong)}},
                    .indices = {0, 1, 2}};
  texts.tensors[data::kAttentionMask][2].slice(0, 4, 9).zero_();
  const auto file = file_of("texts");
  for (const auto& given : {std::vector<data::Batch>{}, std::vector<data::Batch>{texts}}) {
    const auto report = export_text_model(loaded, {}, file, given);
    EXPECT_LT(*report.file_relative_error, 2e-5);
    EXPECT_EQ(report.samples, given.empty() ? "noise" : "3 texts");
  }
  fs::remove(file);
}

using Function = std::function<Tensor(const Tensor&)>;

// Of integers -3 to 3, [N,9].
void prove_function(const Function& run) {
  using Tensors = graph::CaptureRequest::Tensors;
  const auto numbers = [](int64_t batch) {
    return torch::randint(-3, 4, {batch, 9}, torch::kLong);
  };
  auto graph =
      graph::capture({.run = [&](const Tensors& x) { return Tensors{run(x.at(0))}; },
                      .example = [&](graph::Sizes sizes) { return Tensors{numbers(sizes.batch)}; },
                      .module = nullptr,
                      .input_names = {"x"},
                      .output_names = {"y"}});
  graph::simplify(graph);
  const auto x = numbers(8);
  const auto proof = prove_file(export_onnx(graph, {}), "function",
                                {{.inputs = {x}, .expected = run(x), .asked = {}}});
  EXPECT_TRUE(proof.deviation) << proof.remark;
}

TEST(Export, ComparesInTheTypeThatLibTorchComparesIn) {
  torch::manual_seed(0);
  const std::vector<Function> functions = {
      [](const Tensor& x) { return x.lt(0.5); },
      [](const Tensor& x) { return x.le(-0.5); },
      [](const Tensor& x) { return x.gt(-1.5); },
      [](const Tensor& x) { return x.ge(1.5); },
      [](const Tensor& x) { return x.eq(0.5); },
      [](const Tensor& x) { return x.ne(0.5); },
      [](const Tensor& x) { return x.gt(1); },
      [](const Tensor& x) { return x.lt(x.to(torch::kFloat) + 0.5); },
      [](const Tensor& x) { return x.gt(0).lt(x.gt(-2)); },
      [](const Tensor& x) { return x.gt(0).eq(x.gt(-2)); },
  };
  for (size_t i = 0; i < functions.size(); ++i) {
    SCOPED_TRACE(i);
    prove_function([&](const Tensor& x) { return functions[i](x).to(torch::kFloat); });
  }
}

TEST(Export, LogicIsOfBooleans) {
  torch::manual_seed(0);
  const std::vector<Function> functions = {
      [](const Tensor& x) { return x.logical_and(x - 1); },
      [](const Tensor& x) { return x.logical_or(x - 1); },
      [](const Tensor& x) { return x.logical_not(); },
      [](const Tensor& x) { return x.gt(0) * x.lt(2); },
      [](const Tensor& x) { return x.gt(0) + x.lt(-1); },
  };
  for (size_t i = 0; i < functions.size(); ++i) {
    SCOPED_TRACE(i);
    prove_function([&](const Tensor& x) { return functions[i](x).to(torch::kFloat); });
  }
}

}  // namespace
}  // namespace braid::onnx
