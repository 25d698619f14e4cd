// A classifier of texts as a model that is served: `text` BYTES [N], of pairs both in one element.
#include "braid/tasks/text/text_classifier.h"

#include <fmt/format.h>

#include <utility>

#include "braid/data/text/asked_example.h"
#include "braid/data/text/text_collate.h"
#include "braid/export/text_graph.h"
#include "braid/models/product_weights.h"
#include "braid/nn/basic/own_operators.h"
#include "braid/runtime/autocast.h"
#include "braid/runtime/device.h"
#include "braid/runtime/eval_scope.h"
#include "braid/serve/onnx/exported_engine.h"
#include "braid/serve/people_input.h"
#include "braid/serve/torch/checkpoint_explainer.h"
#include "braid/serve/torch/load_model.h"
#include "braid/serve/torch/torch_tensor.h"
#include "braid/serve/torch/within_memory.h"
#include "braid/text/whole_text.h"

namespace braid::serve {
namespace {

class TextEngine final : public Engine {
 public:
  TextEngine(models::TextEncoderPtr model, const ModelOptions& options) : model_(std::move(model)) {
    const auto device = runtime::resolve_device(options.device);
    model_->to(device);
    dtype_ = runtime::resolve_dtype(options.dtype, device.type());
    models::keep_product_weights(*model_, runtime::product_type(dtype_));
    const auto tokens = [](const char* name, int64_t padding) {
      return TensorSpec{
          .name = name, .type = DataType::kInt64, .shape = {-1, -1}, .padding = padding};
    };
    inputs_ = {tokens(data::kInputIds, model_->fill_token_id()), tokens(data::kAttentionMask, 0),
               tokens(data::kTokenTypeIds, 0)};
    outputs_ = {{.name = "logits", .type = DataType::kFp32, .shape = {-1, model_->num_labels()}}};
  }
  const std::vector<TensorSpec>& inputs() const override { return inputs_; }
  const std::vector<TensorSpec>& outputs() const override { return outputs_; }
  std::vector<Tensor> infer(const std::vector<Tensor>& batch) override {
    const runtime::EvalScope scope(*model_, dtype_);
    const nn::OwnOperators own_operators;
    data::Batch tokens{.tensors = {}, .indices = {}};
    for (const auto& tensor : batch)
      tokens.tensors[tensor.name] = to_torch(tensor).to(scope.device());
    return {from_torch("logits", within_memory([&] {
                         return model_->forward(tasks::text_input(tokens)).to(torch::kFloat);
                       }))};
  }

 private:
  models::TextEncoderPtr model_;
  std::string dtype_;
  std::vector<TensorSpec> inputs_, outputs_;
};

class TextPreparation final : public Preparation {
 public:
  // inputs: the engine's, which may be fewer than a tokenizer gives.
  TextPreparation(const tasks::TokenizedModel& classifier, const std::vector<TensorSpec>& inputs)
      : tokenizer_(classifier.tokenizer),
        max_length_(classifier.max_length),
        truncate_(classifier.truncate),
        pairs_(classifier.hub.text_pairs) {
    for (const auto& input : inputs) names_.push_back(input.name);
  }
  std::vector<Tensor> prepare(const Tensor& input) const override {
    std::vector<int64_t> truncated;
    return prepare_and_note(input, truncated);
  }
  std::vector<Tensor> prepare_and_note(const Tensor& input,
                                       std::vector<int64_t>& truncated) const override {
    const auto place = [&](size_t i) { return fmt::format("{}[{}]", input.name, i); };
    std::vector<data::TextExample> examples;
    for (size_t i = 0; i < input.elements.size(); ++i)
      examples.push_back(
          data::asked_example(io::parse_asked_text(text_of(input, i), pairs_, place(i))));
    std::vector<int64_t> cut;  // tokens of each
    const auto batch = data::make_text_batch(examples, *tokenizer_, max_length_, &cut);
    for (size_t i = 0; i < cut.size(); ++i) {
      if (!truncate_) text::expect_whole(cut[i], max_length_, place(i));
      if (cut[i] > 0) truncated.push_back(static_cast<int64_t>(i));
    }
    std::vector<Tensor> tensors;
    for (const auto& name : names_) tensors.push_back(from_torch(name, batch.at(name)));
    return tensors;
  }

 private:
  const text::TokenizerPtr tokenizer_;
  const int64_t max_length_;
  const bool truncate_, pairs_;
  std::vector<std::string> names_;
};

}  // namespace

std::unique_ptr<Model> load_text_classifier(const std::string& folder,
                                            const ModelOptions& options) {
  auto explainer = explain_texts_of(folder, options);
  auto loaded = tasks::load_tokenized_model(folder);
  auto model = std::make_unique<Model>();
  model->several_labels = loaded.hub.problem_type == models::kSeveralLabels;
  if (model->several_labels)
    explainer.reset();  // it explains why one class was chosen
  else
    tasks::expect_text_classifier(loaded, folder);
  loaded.truncate = options.truncate;
  model->prepared = {.name = "text", .type = DataType::kBytes, .shape = {-1}};
  if (is_engine_of_files(options.engine)) {
    models::LoadedTextEncoder encoder{.model = loaded.model, .hub = loaded.hub};
    const auto onnx =
        onnx::export_onnx(onnx::make_text_graph(encoder).graph, onnx::onnx_options(encoder, ""));
    open_exported(onnx, options, loaded.model->fill_token_id(), folder, *model);
  } else {
    model->platform = kLibTorchPlatform;
    model->engine = std::make_unique<TextEngine>(loaded.model, options);
  }
  model->preparation = std::make_unique<TextPreparation>(loaded, model->engine->inputs());
  model->takes_tensors = false;  // ids beyond the vocabulary would be the model's to refuse
  model->classes = loaded.hub.classes;
  model->explainer = std::move(explainer);
  model->pairs = loaded.hub.text_pairs;
  return model;
}

}  // namespace braid::serve
