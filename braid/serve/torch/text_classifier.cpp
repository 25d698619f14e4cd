// A classifier of texts as a model that is served: `text` BYTES [N].
#include "braid/tasks/text/text_classifier.h"

#include <utility>

#include "braid/core/error.h"
#include "braid/core/utf8.h"
#include "braid/data/text/text_collate.h"
#include "braid/runtime/autocast.h"
#include "braid/runtime/device.h"
#include "braid/runtime/eval_scope.h"
#include "braid/serve/torch/load_torch_model.h"
#include "braid/serve/torch/torch_tensor.h"

namespace braid::serve {
namespace {

constexpr size_t kMaxTextBytes = 1 << 20;  // tokenized before it is cut to the model's length

class TextEngine final : public Engine {
 public:
  TextEngine(tasks::TokenizedModel loaded, const TorchOptions& options)
      : loaded_(std::move(loaded)) {
    const auto device = runtime::resolve_device(options.device);
    loaded_.model->to(device);
    dtype_ = runtime::resolve_dtype(options.dtype, device.type());
    const auto tokens = [](const char* name, int64_t padding) {
      return TensorSpec{
          .name = name, .type = DataType::kInt64, .shape = {-1, -1}, .padding = padding};
    };
    inputs_ = {tokens(data::kInputIds, loaded_.model->pad_token_id()),
               tokens(data::kAttentionMask, 0), tokens(data::kTokenTypeIds, 0)};
    outputs_ = {
        {.name = "logits", .type = DataType::kFp32, .shape = {-1, loaded_.model->num_labels()}}};
  }
  const std::vector<TensorSpec>& inputs() const override { return inputs_; }
  const std::vector<TensorSpec>& outputs() const override { return outputs_; }
  std::vector<Tensor> infer(const std::vector<Tensor>& batch) override {
    const runtime::EvalScope scope(*loaded_.model, dtype_);
    data::Batch tokens{.tensors = {}, .indices = {}};
    for (const auto& tensor : batch)
      tokens.tensors[tensor.name] = to_torch(tensor).to(scope.device());
    return {
        from_torch("logits", loaded_.model->forward(tasks::text_input(tokens)).to(torch::kFloat))};
  }
  const tasks::TokenizedModel& loaded() const { return loaded_; }

 private:
  tasks::TokenizedModel loaded_;
  std::string dtype_;
  std::vector<TensorSpec> inputs_, outputs_;
};

class TextPreparation final : public Preparation {
 public:
  TextPreparation(text::TokenizerPtr tokenizer, int64_t max_length)
      : tokenizer_(std::move(tokenizer)), max_length_(max_length) {}
  std::vector<Tensor> prepare(const Tensor& input) const override {
    std::vector<data::TextExample> examples;
    for (const auto text : input.elements) {
      if (text.size() > kMaxTextBytes)
        throw DataError("request", "expected texts of at most 1 MiB", input.name);
      examples.push_back({.text = replace_invalid_utf8(text), .pair = {}});
    }
    const auto batch = data::make_text_batch(examples, *tokenizer_, max_length_);
    std::vector<Tensor> tensors;
    for (const char* name : {data::kInputIds, data::kAttentionMask, data::kTokenTypeIds})
      tensors.push_back(from_torch(name, batch.at(name)));
    return tensors;
  }

 private:
  const text::TokenizerPtr tokenizer_;
  const int64_t max_length_;
};

}  // namespace

std::unique_ptr<Model> load_text_classifier(const std::string& folder,
                                            const TorchOptions& options) {
  auto engine = std::make_unique<TextEngine>(tasks::load_text_classifier(folder), options);
  auto model = std::make_unique<Model>();
  model->platform = "braid_libtorch";
  model->prepared = {.name = "text", .type = DataType::kBytes, .shape = {-1}};
  model->preparation =
      std::make_unique<TextPreparation>(engine->loaded().tokenizer, engine->loaded().max_length);
  model->takes_tensors = false;  // ids beyond the vocabulary would be the model's to refuse
  model->classes = engine->loaded().hub.classes;
  model->engine = std::move(engine);
  return model;
}

}  // namespace braid::serve
