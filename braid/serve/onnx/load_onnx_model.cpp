#include "braid/serve/onnx/load_onnx_model.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <system_error>
#include <utility>

#include "braid/core/error.h"
#include "braid/io/asked_text.h"
#include "braid/io/atomic_file.h"
#include "braid/runner/image_input.h"
#include "braid/runner/labels.h"
#include "braid/runner/text_input.h"
#include "braid/serve/onnx/any_engine.h"
#include "braid/serve/onnx/exported_engine.h"
#include "braid/serve/onnx/exported_explainer.h"
#include "braid/serve/people_input.h"
#include "braid/serve/warm_up.h"
#include "braid/text/whole_text.h"

namespace braid::serve {
namespace {

class ExportedImages final : public Preparation {
 public:
  ExportedImages(runner::ImageInput input, std::string name, int64_t max_pixels)
      : input_(std::move(input)), name_(std::move(name)), max_pixels_(max_pixels) {}
  int64_t working_bytes(const Tensor& input) const override {
    return decoding_bytes(input, max_pixels_);
  }
  std::vector<Tensor> prepare(const Tensor& input) const override {
    std::vector<int64_t> shape = input_.shape();
    const auto size = static_cast<size_t>(count_of(shape).value());
    std::vector<float> values(input.elements.size() * size);
    for (size_t i = 0; i < input.elements.size(); ++i)
      input_.write(image_of(input, i, max_pixels_), values.data() + i * size);
    shape.insert(shape.begin(), input.rows());
    return {make_tensor(name_, DataType::kFp32, shape, std::move(values))};
  }

 private:
  const runner::ImageInput input_;
  const std::string name_;
  const int64_t max_pixels_;
};

class ExportedTexts final : public Preparation {
 public:
  ExportedTexts(runner::TextInput input, std::vector<TensorSpec> specs, bool truncate)
      : input_(std::move(input)), specs_(std::move(specs)), truncate_(truncate) {}
  std::vector<Tensor> prepare(const Tensor& input) const override {
    std::vector<int64_t> truncated;
    return prepare_and_note(input, truncated);
  }
  std::vector<Tensor> prepare_and_note(const Tensor& input,
                                       std::vector<int64_t>& truncated) const override {
    std::vector<text::Encoding> rows;
    size_t longest = 1;  // a text without tokens is one of padding, which is attended to
    for (size_t i = 0; i < input.elements.size(); ++i) {
      const auto place = input.name + "[" + std::to_string(i) + "]";
      rows.push_back(input_.encode(io::parse_asked_text(text_of(input, i), input_.pairs(), place)));
      if (!truncate_)
        text::expect_whole(rows.back().truncated, static_cast<int64_t>(rows.back().ids.size()),
                           place);
      if (rows.back().truncated > 0) truncated.push_back(static_cast<int64_t>(i));
      longest = std::max(longest, rows.back().ids.size());
    }
    std::vector<Tensor> tensors;
    for (const auto& spec : specs_) {
      std::vector<int64_t> values(rows.size() * longest, spec.padding);
      for (size_t i = 0; i < rows.size(); ++i) {
        const auto to = values.begin() + static_cast<std::ptrdiff_t>(i * longest);
        if (spec.name == "attention_mask")
          std::fill_n(to, std::max<size_t>(1, rows[i].ids.size()), 1);
        else
          std::ranges::copy(spec.name == "input_ids" ? rows[i].ids : rows[i].type_ids, to);
      }
      tensors.push_back(make_tensor(spec.name, DataType::kInt64,
                                    {input.rows(), static_cast<int64_t>(longest)},
                                    std::move(values)));
    }
    return tensors;
  }

 private:
  const runner::TextInput input_;
  const std::vector<TensorSpec> specs_;
  const bool truncate_;
};

int64_t pad_token_id(const runner::Session& session) {
  return runner::metadata_number(session, "pad_token_id", std::numeric_limits<int64_t>::min())
      .value_or(0);
}

void expect_classifier(const Model& model, const std::string& file) {
  if (model.engine->outputs().empty())
    throw DataError("serve", "expected the logits [N,K] of a classifier, got no output", file);
  const auto& output = model.engine->outputs().front();
  if (output.name != "logits" || output.type != DataType::kFp32 || output.shape.size() != 2)
    throw DataError("serve",
                    "expected the logits [N,K] of a classifier, got " + output.name + " " +
                        shape_text(output.shape),
                    file, "export a classifier, without --with-preprocessing");
  const int64_t classes = output.shape[1];
  if (!model.classes.empty() && classes != static_cast<int64_t>(model.classes.size()))
    throw DataError("serve",
                    "expected as many label_names as logits, " + std::to_string(classes) +
                        ", got " + std::to_string(model.classes.size()),
                    file);
}

std::unique_ptr<Model> load_by_named_engine(const std::string& file, const ModelOptions& options) {
  auto explainer = explain_exported_texts(file, options);
  const auto bytes = io::read_file(file);
  const std::string_view onnx(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  // Read here for what it says of itself.
  const auto session = runner::Session::of_bytes({bytes.data(), bytes.size()}, file);
  auto model = std::make_unique<Model>();
  open_exported(onnx, options, pad_token_id(*session), file, *model);
  model->classes = runner::label_names(*session);
  model->several_labels = runner::has_several_labels(*session);
  expect_classifier(*model, file);
  const auto& inputs = model->engine->inputs();
  const bool texts =
      std::ranges::any_of(inputs, [](const auto& spec) { return spec.type == DataType::kInt64; });
  model->prepared = {.name = texts ? "text" : "image", .type = DataType::kBytes, .shape = {-1}};
  if (texts) {
    runner::TextInput input(*session);
    model->pairs = input.pairs();
    model->preparation =
        std::make_unique<ExportedTexts>(std::move(input), inputs, options.truncate);
    if (!model->several_labels)  // it explains why one class was chosen
      model->explainer = std::move(explainer);
  } else {
    model->preparation = std::make_unique<ExportedImages>(runner::ImageInput(*session),
                                                          inputs.front().name, options.max_pixels);
  }
  model->takes_tensors = !texts;  // ids beyond the vocabulary would be the model's to refuse
  warm_up(*model->engine);
  return model;
}

}  // namespace

bool is_onnx_file(const std::string& source) {
  std::error_code none;
  return source.ends_with(".onnx") && !std::filesystem::is_directory(source, none);
}

std::unique_ptr<Model> load_onnx_model(const std::string& file, const ModelOptions& options) {
  if (options.engine != kAutoEngine) return load_by_named_engine(file, options);
  return load_for_any_engine(kBraidRunEngine, options, [&](const ModelOptions& named) {
    return load_by_named_engine(file, named);
  });
}

}  // namespace braid::serve
