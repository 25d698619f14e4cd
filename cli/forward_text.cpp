// braid forward of text encoders: 'input_ids' to 'features', 'logits', 'pooled'.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "braid/core/error.h"
#include "braid/io/posix_file.h"
#include "braid/models/hub_config.h"
#include "braid/models/text/text_checkpoint.h"
#include "braid/models/weights.h"
#include "cli/forward.h"

namespace braid::cli {
namespace {

using models::TextHead;

models::TextInput load_text_input(const std::string& file) {
  models::TextInput input;
  for (const auto& [name, tensor] : runtime::load_tensors(file)) {
    if (name == "input_ids")
      input.input_ids = tensor;
    else if (name == "attention_mask")
      input.attention_mask = tensor;
    else if (name == "token_type_ids")
      input.token_type_ids = tensor;
    else
      throw DataError("forward", "unexpected tensor '" + name + "'", file,
                      "a text encoder takes input_ids, attention_mask and token_type_ids");
  }
  if (!input.input_ids.defined())
    throw DataError("forward", "expected a tensor 'input_ids' [B,N]", file);
  return input;
}

class TextForward final : public ForwardKind {
 public:
  TextForward(const ForwardOptions& options, const models::ModelEntry& entry)
      : options_(options), entry_(entry) {
    if (options.in_chans || options.img_size)
      throw UsageError("forward", "expected neither --in-chans nor --img-size for a text encoder",
                       options.model);
  }

  Json fields(const Json& given, const std::filesystem::path& weights,
              const runtime::TensorMap& tensors) override {
    if (!options_.input.empty()) input_ = load_text_input(options_.input);
    const auto config = weights / "config.json";
    Json fields = Json::object();
    if (!weights.empty() && io::is_folder(weights) && io::file_exists(config)) {
      const auto hub = read_family_config(config, entry_);
      fields = hub.model_args;
      classes_ = hub.classes;
      problem_type_ = hub.problem_type;
    } else if (!weights.empty()) {
      fields = fields_of_tensors(tensors);
    }
    fields.update(given);
    if (options_.num_classes) fields["num_labels"] = *options_.num_classes;
    return fields;
  }

  void save(const models::Model& model, const std::filesystem::path& folder,
            uint64_t max_shard_size) const override {
    auto hub = models::make_hub_config(options_.model, model);
    hub.classes = classes_;
    hub.problem_type = problem_type_;
    models::save_text_model(dynamic_cast<const models::TextModel&>(model), hub, folder,
                            max_shard_size);
  }

  runtime::TensorMap run(models::Model& model, torch::Device device,
                         torch::ScalarType) const override {
    auto& encoder = dynamic_cast<models::TextEncoder&>(model);
    auto input = forward_tokens(options_, input_, encoder.max_positions(),
                                models::LastToken::kStays, "input_ids");
    models::check_text_input(input, encoder);  // on a GPU nobody looks at the numbers
    for (auto* tensor : {&input.input_ids, &input.attention_mask, &input.token_type_ids})
      if (tensor->defined()) *tensor = tensor->to(device);
    const auto features = encoder.forward_features(input);
    runtime::TensorMap outputs = {{"features", features},
                                  {"logits", encoder.forward_head(features, input)}};
    const auto head = encoder.head();
    if (head == TextHead::kNone || head == TextHead::kSequenceClassification ||
        encoder.has_next_sentence())
      outputs["pooled"] = encoder.pool(features, input);
    if (encoder.has_next_sentence())
      outputs["seq_relationship_logits"] = encoder.next_sentence(features);
    return outputs;
  }

  torch::Tensor loss(const runtime::TensorMap& outputs) const override {
    const auto next = outputs.find("seq_relationship_logits");
    const auto loss = ForwardKind::loss(outputs);
    return next == outputs.end() ? loss : loss + next->second.square().mean();
  }

 private:
  // The head and its classes, by the tensors' names.
  Json fields_of_tensors(const runtime::TensorMap& given) const {
    const auto model = std::dynamic_pointer_cast<models::TextEncoder>(entry_.make(Json::object()));
    const auto tensors = models::without_wrapper(given, *model);
    std::vector<std::string> names;
    for (const auto& item : tensors) names.push_back(item.first);
    const auto head = model->infer_head(names);
    Json fields = {{"head", models::to_string(head)}};
    model->reset_head(head, /*num_labels=*/1);
    if (!model->classifies()) return fields;
    const auto it = tensors.find(model->head_modules().at(0) + ".weight");
    if (it != tensors.end() && it->second.dim() > 0) fields["num_labels"] = it->second.size(0);
    return fields;
  }

  const ForwardOptions& options_;
  models::ModelEntry entry_;
  models::TextInput input_;
  std::vector<std::string> classes_;  // names of the weights' classes
  std::string problem_type_;          // what they are, see HubConfig
};

}  // namespace

models::HubConfig read_family_config(const std::filesystem::path& config,
                                     const models::ModelEntry& entry) {
  auto hub = models::read_hub_config(config);
  const auto theirs = models::find_model(hub.architecture);
  bool same = theirs.kind == entry.kind && theirs.config.size() == entry.config.size();
  for (const auto& item : theirs.config.items()) same &= entry.config.contains(item.key());
  if (!same)
    throw DataError(
        "forward",
        fmt::format("expected a model of the family of {}, got {}", entry.name, hub.architecture),
        config.string(), "name that one");
  return hub;
}

std::unique_ptr<ForwardKind> make_text_forward(const ForwardOptions& options,
                                               const models::ModelEntry& entry) {
  return std::make_unique<TextForward>(options, entry);
}

}  // namespace braid::cli
