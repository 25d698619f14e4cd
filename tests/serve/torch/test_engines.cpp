// Engines compute the same: a checkpoint by LibTorch, by OpenVINO and braid-run, and as an exported
// file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <protozero/pbf_writer.hpp>
#include <tuple>

#include "braid/compress/quantize.h"
#include "braid/core/error.h"
#include "braid/explain/exported_text_explainer.h"
#include "braid/export/export_image_model.h"
#include "braid/export/export_text_model.h"
#include "braid/export/image_graph.h"
#include "braid/graph/replay.h"
#include "braid/io/atomic_file.h"
#include "braid/io/image.h"
#include "braid/models/registry.h"
#include "braid/serve/onnx/exported_engine.h"
#include "braid/serve/onnx/runner_engine.h"
#include "braid/serve/openvino/openvino_engine.h"
#include "braid/serve/torch/load_model.h"
#include "braid/serve/torch/torch_tensor.h"

namespace braid::serve {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

#define NEEDS_OPENVINO() \
  if (!openvino_missing().empty()) GTEST_SKIP() << "no OpenVINO: " << openvino_missing()

class Engines : public ::testing::Test {
 protected:
  void SetUp() override {
    torch::manual_seed(3);
    folder_ = fs::temp_directory_path() / ("braid_engines_" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // What no initialization leaves as it is: norms and biases count too.
  static void disturb(torch::nn::Module& model) {
    const torch::NoGradGuard no_gradients;
    for (auto& parameter : model.parameters()) parameter.add_(torch::randn_like(parameter), 0.02);
    for (auto& item : model.named_buffers())
      if (item.key().ends_with("running_var")) item.value().uniform_(0.5, 2);
  }
  std::string images(const std::string& name) {
    models::LoadedModel loaded;
    loaded.model = models::create_model<models::ImageModel>(name, {{"num_classes", 5}});
    disturb(*loaded.model);
    loaded.hub = models::make_image_hub_config(name, *loaded.model);
    loaded.hub.classes = {"a", "b", "c", "d", "e"};
    models::save_model(*loaded.model, loaded.hub, folder_ / name);
    return (folder_ / name).string();
  }
  std::string texts(const std::string& name = "bert_tiny") {
    models::LoadedTextEncoder loaded;
    loaded.model = models::create_model<models::TextEncoder>(
        name, {{"head", "sequence_classification"}, {"num_labels", 3}, {"vocab_size", 9}});
    disturb(*loaded.model);
    loaded.hub = models::make_hub_config(name, *loaded.model);
    loaded.hub.classes = {"bad", "fair", "good"};
    models::save_text_model(*loaded.model, loaded.hub, folder_ / name);
    io::write_file_atomic(folder_ / name / "vocab.txt",
                          "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nfine\nlong\nfilm\n");
    return (folder_ / name).string();
  }
  std::string exported(const std::string& checkpoint) {
    const std::string file = checkpoint + ".onnx";
    auto loaded = models::load_for_inference(checkpoint);
    onnx::export_image_model(loaded, file);
    return file;
  }
  static std::unique_ptr<Model> load(const std::string& source, const std::string& engine,
                                     const std::string& dtype = "float32") {
    Progress silent;
    return load_model(source, {.engine = engine, .dtype = dtype, .threads = 2}, silent);
  }
  // BYTES [N] of what outlives the tensor.
  static Tensor bytes(const std::string& name, const std::vector<std::string>& elements) {
    Tensor tensor{
        .name = name, .type = DataType::kBytes, .shape = {static_cast<int64_t>(elements.size())}};
    tensor.elements.assign(elements.begin(), elements.end());
    return tensor;
  }
  // The image's file, as it is sent.
  static std::vector<std::string> file_of(const io::Image& image) {
    const auto png = io::encode_png(image);
    return {std::string(png.begin(), png.end())};
  }
  static void expect_close(const std::vector<Tensor>& got, const std::vector<Tensor>& expected,
                           float tolerance = 1e-4F) {
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].name, expected.at(0).name);
    ASSERT_EQ(got[0].shape, expected[0].shape);
    const auto a = values_of<float>(got[0]), b = values_of<float>(expected[0]);
    for (size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], tolerance) << i;
  }
  // What is thrown.
  template <class ErrorType>
  static std::string error_of(const std::function<void()>& run) {
    try {
      run();
    } catch (const ErrorType& error) {
      return error.what();
    }
    ADD_FAILURE() << "nothing was thrown";
    return "";
  }
  void expect_quantized_file_runs(const std::string& engine, int64_t bits);
  fs::path folder_;
};

const auto kEnginesOfFiles = ::testing::Values(kOpenVinoEngine, kBraidRunEngine);

bool is_missing(const std::string& engine) {
  return engine == kOpenVinoEngine && !openvino_missing().empty();
}

std::string platform_of(const std::string& engine) {
  return engine == kOpenVinoEngine ? kOpenVinoPlatform : kBraidRunPlatform;
}

// A network with weights of so many bits, as a file, against the replay of its graph.
void Engines::expect_quantized_file_runs(const std::string& engine, int64_t bits) {
  auto loaded = models::load_for_inference(images("resnet20"));
  const auto graph = onnx::make_image_graph(loaded).graph;
  compress::Samples samples;
  for (int i = 0; i < 2; ++i) samples.batches.push_back({torch::randn({16, 3, 32, 32})});
  Progress silent;
  const auto quantized = compress::quantize(graph, samples.batches, compress::Judge(graph, samples),
                                            {.mode = "naive", .weight_bits = bits}, silent);
  const auto file = (folder_ / "int8.onnx").string();
  io::write_file_atomic(file,
                        onnx::export_onnx(quantized.graph, onnx::onnx_options(loaded.hub, false)));
  const auto model = load(file, engine);
  EXPECT_EQ(model->platform, platform_of(engine));
  for (const int64_t batch : {1, 7}) {
    const auto x = torch::randn({batch, 3, 32, 32});
    const auto replayed = graph::replay(quantized.graph, {x}).at(0);
    // Another order of whole numbers' sums and roundings: some values fall on the next step.
    expect_close(model->engine->infer({from_torch("pixel_values", x)}),
                 {from_torch("logits", replayed)}, 0.05F * replayed.abs().max().item<float>());
  }
}

class EnginesOfFiles : public Engines, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    Engines::SetUp();
    if (is_missing(GetParam())) GTEST_SKIP() << "no OpenVINO: " << openvino_missing();
  }
};

INSTANTIATE_TEST_SUITE_P(All, EnginesOfFiles, kEnginesOfFiles,
                         [](const auto& info) { return platform_of(info.param); });

TEST_F(Engines, SayWhyAnImageIsWhatItIs) {
  const auto folder = images("resnet20");
  const auto model = load(folder, "libtorch");
  ASSERT_TRUE(model->explainer);
  io::Image image{.height = 40, .width = 30, .channels = 3, .pixels = {}};
  for (int i = 0; i < 40 * 30 * 3; ++i) image.pixels.push_back(static_cast<uint8_t>(i * 7));
  const auto files = file_of(image);
  const auto explanation = model->explainer->explain(bytes("image", files));
  EXPECT_EQ(explanation.method, "grad-cam");  // the last layer has 8 x 8 cells
  const auto logits =
      to_torch(model->engine->infer(model->preparation->prepare(bytes("image", files))).at(0));
  EXPECT_EQ(explanation.class_index, logits.argmax().item<int64_t>());
  EXPECT_NEAR(explanation.probability, logits.softmax(1).max().item<double>(), 1e-4);
  const auto decoded = [](const std::vector<uint8_t>& file) {
    return io::decode_image(file.data(), file.size(), "png");
  };
  const auto picture = decoded(explanation.picture), overlay = decoded(explanation.overlay);
  EXPECT_EQ(picture.height, picture.width);  // as the model sees it
  EXPECT_EQ(overlay.width, picture.width);
  EXPECT_NE(overlay.pixels, picture.pixels);
  const std::vector<std::string> no_image = {"no image"};
  EXPECT_THROW(model->explainer->explain(bytes("image", no_image)), DataError);
}

TEST_F(Engines, SayWhyOfAnExportedFileOfImages) {
  const auto folder = images("resnet20");
  const auto file = exported(folder);
  const auto model = load(file, "braid-run");
  ASSERT_TRUE(model->explainer);
  io::Image image{.height = 32, .width = 32, .channels = 3, .pixels = {}};
  for (int i = 0; i < 32 * 32 * 3; ++i) image.pixels.push_back(static_cast<uint8_t>(i * 7));
  const auto files = file_of(image);
  const auto explanation = model->explainer->explain(bytes("image", files));
  EXPECT_EQ(explanation.method, "occlusion");
  const auto logits =
      to_torch(model->engine->infer(model->preparation->prepare(bytes("image", files))).at(0));
  EXPECT_EQ(explanation.class_index, logits.argmax().item<int64_t>());
  EXPECT_NEAR(explanation.probability, logits.softmax(1).max().item<double>(), 1e-5);
  EXPECT_NE(explanation.overlay, explanation.picture);
  // Another one in its place is not explained in its name.
  const auto again = load(file, "braid-run");
  io::write_file_atomic(file, "another file");
  EXPECT_THAT(error_of<DataError>([&] { again->explainer->explain(bytes("image", files)); }),
              HasSubstr("load the model again"));
}

TEST_F(Engines, SayWhyATextIsWhatItIs) {
  const auto model = load(texts(), "libtorch");
  const std::vector<std::string> text = {"a fine film"};
  const auto explanation = model->explainer->explain(bytes("text", text));
  EXPECT_EQ(explanation.method, "integrated-gradients");
  std::vector<std::string> tokens;
  for (const auto& token : explanation.tokens) tokens.push_back(token.token);
  EXPECT_THAT(tokens, ::testing::IsSupersetOf({"a", "fine", "film"}));
}

// The weights that are explained are those that are served.
TEST_F(Engines, ExplainNoOtherWeights) {
  const auto folder = images("resnet20");
  const auto model = load(folder, "libtorch");
  fs::last_write_time(fs::path(folder) / "model.safetensors",
                      fs::file_time_type::clock::now() + std::chrono::hours(1));
  const io::Image image{
      .height = 32, .width = 32, .channels = 3, .pixels = std::vector<uint8_t>(32 * 32 * 3)};
  const auto files = file_of(image);
  EXPECT_THAT(error_of<DataError>([&] { model->explainer->explain(bytes("image", files)); }),
              HasSubstr("load the model again"));
}

// Of a model whose folder was removed, which goes on.
TEST_F(Engines, ExplainNothingOnceTheFilesAreGone) {
  const auto folder = images("resnet20");
  const auto model = load(folder, "libtorch");
  fs::remove_all(folder);
  const io::Image image{
      .height = 32, .width = 32, .channels = 3, .pixels = std::vector<uint8_t>(32 * 32 * 3)};
  const auto files = file_of(image);
  EXPECT_THAT(error_of<DataError>([&] { model->explainer->explain(bytes("image", files)); }),
              HasSubstr("load the model again"));
}

TEST_F(Engines, AutoTakesTheOneThatWasMeasuredToBeFaster) {
  const auto checkpoint = images("resnet20"), file = exported(checkpoint);
  Progress silent;
  const auto chosen = [&](const std::string& source, double always, double openvino) {
    const auto model = load_model(source,
                                  {.time_requests =
                                       [&](const std::vector<const Model*>&) {
                                         return std::vector<double>{always, openvino};
                                       },
                                   .threads = 1},
                                  silent);
    return model->platform;
  };
  const bool openvino = openvino_missing().empty();
  EXPECT_EQ(chosen(checkpoint, 1, 2), kLibTorchPlatform);
  EXPECT_EQ(chosen(checkpoint, 2, 1), openvino ? kOpenVinoPlatform : kLibTorchPlatform);
  EXPECT_EQ(chosen(file, 1, 2), kBraidRunPlatform);
  EXPECT_EQ(chosen(file, 2, 1), openvino ? kOpenVinoPlatform : kBraidRunPlatform);
}

TEST_F(Engines, AutoTakesTheOneThatTakesTheModel) {
  const auto file = exported(images("resnet20"));
  const auto bfloat16 = [&] { return load(file, "auto", "bfloat16"); };
  if (openvino_missing().empty()) {
    const auto model = bfloat16();
    EXPECT_EQ(model->platform, kOpenVinoPlatform);
    EXPECT_THAT(model->remark, HasSubstr("not braid-run"));
  } else {
    EXPECT_THAT(error_of<ConfigError>(bfloat16), HasSubstr("--dtype"));
  }
}

class EnginesOfImages : public Engines,
                        public ::testing::WithParamInterface<std::tuple<const char*, const char*>> {
};

TEST_P(EnginesOfImages, AgreeAtEveryBatch) {
  const auto [family, engine] = GetParam();
  if (is_missing(engine)) GTEST_SKIP() << "no OpenVINO: " << openvino_missing();
  const auto checkpoint = images(family);
  const auto torch = load(checkpoint, "libtorch"), here = load(checkpoint, engine),
             file = load(exported(checkpoint), engine);
  EXPECT_EQ(torch->platform, "braid_libtorch");
  EXPECT_EQ(here->platform, platform_of(engine));
  EXPECT_EQ(file->platform, platform_of(engine));
  EXPECT_EQ(file->classes, torch->classes);
  auto sizes = torch->engine->inputs().at(0).shape;
  EXPECT_EQ(here->engine->inputs().at(0).shape, sizes);
  EXPECT_EQ(file->engine->inputs().at(0).name, "pixel_values");
  for (const int64_t batch : {1, 2, 7, 1}) {
    sizes[0] = batch;
    const std::vector<Tensor> input = {from_torch("pixel_values", torch::randn(sizes))};
    const auto expected = torch->engine->infer(input);
    expect_close(here->engine->infer(input), expected);
    expect_close(file->engine->infer(input), expected);
  }
}

INSTANTIATE_TEST_SUITE_P(Families, EnginesOfImages,
                         ::testing::Combine(::testing::Values("resnet20", "vit_lite_7_4_32",
                                                              "cct_2_3x2_32"),
                                            kEnginesOfFiles));

TEST_P(EnginesOfFiles, PrepareImagesAlike) {
  const auto checkpoint = images("resnet20");
  io::Image image{.height = 40, .width = 51, .channels = 3, .pixels = {}};
  for (int64_t i = 0; i < 40 * 51 * 3; ++i)
    image.pixels.push_back(static_cast<uint8_t>(i * i % 251));
  const std::vector<std::string> sent(2, file_of(image).front());
  const auto torch = load(checkpoint, "libtorch"), file = load(exported(checkpoint), GetParam());
  EXPECT_EQ(file->prepared.name, "image");
  for (const auto* model : {torch.get(), file.get()})
    EXPECT_EQ(model->preparation->working_bytes(bytes("image", sent)), 10 * 40 * 51);
  const auto expected = torch->preparation->prepare(bytes("image", sent));
  const auto got = file->preparation->prepare(bytes("image", sent));
  expect_close(got, expected, 1e-6F);
  expect_close(file->engine->infer(got), torch->engine->infer(expected));
  EXPECT_THAT(error_of<DataError>([&] { file->preparation->prepare(bytes("image", {"no"})); }),
              HasSubstr("image[0]"));
}

TEST_P(EnginesOfFiles, AgreeOnTextsOfAnyLength) {
  const auto checkpoint = texts();
  auto encoder = models::load_text_encoder(checkpoint);
  const std::string name = checkpoint + ".onnx";
  onnx::export_text_model(encoder, checkpoint, name);
  const auto torch = load(checkpoint, "libtorch"), here = load(checkpoint, GetParam()),
             file = load(name, GetParam());
  EXPECT_EQ(file->platform, platform_of(GetParam()));
  EXPECT_EQ(file->prepared.name, "text");
  EXPECT_FALSE(file->takes_tensors);
  EXPECT_EQ(file->classes, torch->classes);
  std::string long_text = "a long film";
  for (int i = 0; i < 300; ++i) long_text += " a long film";  // which is cut
  const std::vector<std::vector<std::string>> batches = {
      {"fine film"},
      {"", "a long long film unseen"},
      {"film", "a", "a fine film", long_text, "long", "", "film film"}};
  for (const auto& batch : batches) {
    const auto expected = torch->engine->infer(torch->preparation->prepare(bytes("text", batch)));
    expect_close(here->engine->infer(here->preparation->prepare(bytes("text", batch))), expected);
    expect_close(file->engine->infer(file->preparation->prepare(bytes("text", batch))), expected);
  }
  for (const auto* model : {here.get(), file.get()})
    EXPECT_EQ(model->engine->inputs().at(0).padding, torch->engine->inputs().at(0).padding);
  const std::vector<std::string> two = {"a film", long_text};
  Progress silent;
  for (const auto& source : {checkpoint, name}) {
    std::vector<int64_t> truncated;
    const auto model = load(source, GetParam());
    model->preparation->prepare_and_note(bytes("text", two), truncated);
    EXPECT_EQ(truncated, std::vector<int64_t>{1}) << source;
    const auto strict = load_model(
        source, {.engine = GetParam(), .dtype = "float32", .threads = 2, .truncate = false},
        silent);
    EXPECT_THAT(error_of<DataError>([&] { strict->preparation->prepare(bytes("text", two)); }),
                HasSubstr("(text[1])"))
        << source;
  }
}

// Its inputs are fewer than what a tokenizer gives.
TEST_P(EnginesOfFiles, AgreeWhereAModelReadsNoTypes) {
  const auto checkpoint = texts("textcnn_small");
  const auto torch = load(checkpoint, "libtorch"), here = load(checkpoint, GetParam());
  EXPECT_LT(here->engine->inputs().size(), 3U);
  const std::vector<std::string> batch = {"a fine film", "film"};
  expect_close(here->engine->infer(here->preparation->prepare(bytes("text", batch))),
               torch->engine->infer(torch->preparation->prepare(bytes("text", batch))));
}

TEST_F(Engines, TwoTextsThatAreJudgedTogetherAreOneElement) {
  const auto folder = texts();
  const auto one = load(folder, "libtorch");
  const std::string object = R"({"text": "a fine film", "text_pair": "long"})";
  const std::vector<std::string> given = {object};
  EXPECT_THAT(error_of<DataError>([&] { one->preparation->prepare(bytes("text", given)); }),
              HasSubstr("got two (text[0])"));
  const fs::path config = fs::path(folder) / "config.json";
  Json fields = read_json(config);
  fields["text_pairs"] = true;
  io::write_file_atomic(config, fields.dump());
  const auto two = load(folder, "libtorch");
  const std::vector<std::string> pairs = {"a fine film\tlong", object};
  const auto tensors = two->preparation->prepare(bytes("text", pairs));
  const auto types = std::find_if(tensors.begin(), tensors.end(),
                                  [](const Tensor& t) { return t.name == "token_type_ids"; });
  ASSERT_NE(types, tensors.end());
  const std::vector<int64_t> of_pair = {0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1, 1};
  EXPECT_EQ(values_of<int64_t>(*types), of_pair);
  EXPECT_FALSE(one->pairs);
  EXPECT_TRUE(two->pairs);
  const std::vector<std::string> asked = {object};
  const auto why = two->explainer->explain(bytes("text", asked));
  ASSERT_EQ(why.tokens.size(), 7U);  // [CLS] a fine film [SEP] long [SEP]
  EXPECT_EQ(why.tokens[2].token, "fine");
  EXPECT_EQ(why.tokens[2].sequence, 0);
  EXPECT_EQ(why.tokens[2].start, 2);
  EXPECT_EQ(why.tokens[2].end, 6);
  EXPECT_FALSE(why.tokens[4].sequence);
  EXPECT_EQ(why.tokens[5].token, "long");
  EXPECT_EQ(why.tokens[5].sequence, 1);
  EXPECT_EQ(why.tokens[5].start, 0);
  const std::vector<std::string> lone = {"a fine film"};
  EXPECT_THAT(error_of<DataError>([&] { two->explainer->explain(bytes("text", lone)); }),
              HasSubstr("expected two texts"));
  EXPECT_THAT(error_of<DataError>([&] { two->preparation->prepare(bytes("text", lone)); }),
              HasSubstr("expected two texts"));
}

TEST_P(EnginesOfFiles, RunFilesInEightBits) { expect_quantized_file_runs(GetParam(), 8); }

TEST_F(Engines, BraidRunRunsFilesWithWeightsOfFourBits) {
  expect_quantized_file_runs(kBraidRunEngine, 4);
}

TEST_F(Engines, BFloat16IsWhatWasAskedFor) {
  NEEDS_OPENVINO();
  const auto checkpoint = images("vit_lite_7_4_32");
  const auto exact = load(checkpoint, "openvino"), rough = load(checkpoint, "openvino", "bfloat16");
  const std::vector<Tensor> input = {from_torch("pixel_values", torch::randn({2, 3, 32, 32}))};
  const auto expected = exact->engine->infer(input);
  EXPECT_EQ(rough->platform, "braid_openvino") << rough->remark;
  expect_close(rough->engine->infer(input), expected, 0.2F);
}

TEST_P(EnginesOfFiles, TakeBytesThatAreNotAligned) {
  const auto model = load(images("resnet20"), GetParam());
  auto input = from_torch("pixel_values", torch::randn({1, 3, 32, 32}));
  const auto expected = model->engine->infer({input});
  const std::string shifted = "x" + std::string(input.data);
  input.data = std::string_view(shifted).substr(1);
  expect_close(model->engine->infer({input}), expected, 0);
}

TEST_F(Engines, OfOpenVinoRefuseWhatIsNoModel) {
  NEEDS_OPENVINO();
  EXPECT_THAT(error_of<DataError>([] { open_openvino("no model", {.where = "x.onnx"}); }),
              HasSubstr("x.onnx"));
  EXPECT_THROW(open_openvino(""), DataError);
}

// A Relu from x to logits, float32 [1,2], or [N,2] and without an output; numbers are onnx.proto's.
std::string file_of_one_row(bool gives_nothing = false) {
  using protozero::pbf_writer;
  std::string bytes;
  pbf_writer model(bytes);
  model.add_int64(1, 10);
  {
    pbf_writer graph(model, 7);
    {
      pbf_writer node(graph, 1);
      node.add_string(1, "x");
      node.add_string(2, "logits");
      node.add_string(4, "Relu");
    }
    for (const auto& [field, name] : {std::pair(11, "x"), std::pair(12, "logits")}) {
      if (gives_nothing && field == 12) continue;
      pbf_writer value(graph, static_cast<protozero::pbf_tag_type>(field));
      value.add_string(1, name);
      pbf_writer type(value, 2);
      pbf_writer tensor(type, 1);
      tensor.add_int32(1, 1);
      pbf_writer shape(tensor, 2);
      for (const int64_t size : {1, 2}) {
        pbf_writer dimension(shape, 1);
        if (gives_nothing && size == 1)
          dimension.add_string(2, "N");
        else
          dimension.add_int64(1, size);
      }
    }
  }
  pbf_writer operators(model, 8);
  operators.add_int64(2, 20);
  operators.commit();
  return bytes;
}

TEST_P(EnginesOfFiles, RefuseABatchThatIsNotFree) {
  const auto onnx = file_of_one_row();
  Model model;
  EXPECT_THAT(error_of<DataError>([&] {
                open_exported(onnx, {.engine = GetParam(), .threads = 1}, 0, "x.onnx", model);
              }),
              ::testing::AllOf(HasSubstr("free batch in 'x'"), HasSubstr("x.onnx")));
}

TEST_F(Engines, RefuseWhatIsNoClassifiersFile) {
  EXPECT_THAT(error_of<DataError>([] { open_runner("no model", {.where = "x.onnx"}); }),
              HasSubstr("x.onnx"));
  EXPECT_THROW(open_runner(""), DataError);
  const auto checkpoint = images("resnet20");
  auto loaded = models::load_for_inference(checkpoint);
  const auto with = (folder_ / "with.onnx").string();
  onnx::export_image_model(loaded, with, {.with_preprocessing = true});
  EXPECT_THAT(error_of<DataError>([&] { load(with, "auto"); }),
              HasSubstr("without --with-preprocessing"));
  const auto mute = (folder_ / "mute.onnx").string();
  io::write_file_atomic(mute, file_of_one_row(true));
  EXPECT_THAT(error_of<DataError>([&] { load(mute, "braid-run"); }), HasSubstr("no output"));
  const auto file = exported(checkpoint);
  std::ofstream(file, std::ios::app | std::ios::binary) << "more";
  EXPECT_THROW(load(file, "auto"), DataError);
  EXPECT_THROW(load((folder_ / "absent.onnx").string(), "auto"), IoError);
}

TEST_F(Engines, KnowWhereSeveralLabelsMayBeRight) {
  const auto folder = texts(), file = (folder_ / "several.onnx").string();
  const auto set_type = [&](const char* type) {
    Json fields = read_json(fs::path(folder) / "config.json");
    fields["problem_type"] = type;
    io::write_file_atomic(fs::path(folder) / "config.json", fields.dump());
    auto loaded = models::load_text_encoder(folder);
    onnx::export_text_model(loaded, folder, file);
  };
  EXPECT_FALSE(load(folder, "libtorch")->several_labels);
  set_type(models::kSeveralLabels);
  EXPECT_TRUE(load(folder, "libtorch")->several_labels);
  for (const auto& source : {folder, file}) {
    const auto model = load(source, kBraidRunEngine);
    EXPECT_TRUE(model->several_labels) << source;
    EXPECT_FALSE(model->explainer) << source;
  }
  EXPECT_THAT(
      error_of<DataError>([&] { explain::ExportedTextExplainer(runner::Session::open(file), {}); }),
      HasSubstr("several labels"));
  set_type("regression");
  for (const auto& source : {folder, file})
    EXPECT_THAT(error_of<DataError>([&] { load(source, kBraidRunEngine); }),
                HasSubstr("regression"));
}

TEST_F(Engines, AreChosenForWhatTheyCanDo) {
  const auto checkpoint = images("resnet20");
  const auto file = exported(checkpoint);
  EXPECT_THAT(error_of<ConfigError>([&] { load(file, "libtorch"); }),
              HasSubstr("--engine libtorch"));
  Progress silent;
  EXPECT_THROW(load_model(file, {.device = "cuda"}, silent), ConfigError);
  EXPECT_THROW(load_model(checkpoint, {.engine = "openvino", .device = "cuda"}, silent),
               ConfigError);
  EXPECT_THAT(error_of<ConfigError>([&] { load(file, kBraidRunEngine, "bfloat16"); }),
              HasSubstr("--dtype"));
  if (openvino_missing().empty()) return;  // what was measured decides
  EXPECT_EQ(load(file, "auto")->platform, kBraidRunPlatform);
  EXPECT_EQ(load(checkpoint, "auto")->platform, kLibTorchPlatform);
}

TEST_F(Engines, NameWhatBuildsOpenVinoIn) {
  if (openvino_missing().empty()) GTEST_SKIP() << "OpenVINO is here";
  EXPECT_THAT(error_of<ConfigError>([] { open_openvino(""); }), HasSubstr("make openvino"));
  const auto checkpoint = images("resnet20");
  EXPECT_THAT(error_of<ConfigError>([&] { load(checkpoint, "openvino"); }),
              HasSubstr("make openvino"));
  EXPECT_THAT(error_of<ConfigError>([&] { load(exported(checkpoint), "openvino"); }),
              HasSubstr("make openvino"));
}

}  // namespace
}  // namespace braid::serve
