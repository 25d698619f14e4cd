// braid forward: tensors in, tensors out, for parity checks and scripts.
#include <fmt/format.h>

#include <filesystem>

#include "braid/core/error.h"
#include "braid/core/progress.h"
#include "braid/io/hub.h"
#include "braid/io/posix_file.h"
#include "braid/models/registry.h"
#include "braid/models/vision/image_checkpoint.h"
#include "braid/models/weights.h"
#include "braid/runtime/autocast.h"
#include "braid/runtime/device.h"
#include "braid/runtime/tensor_file.h"
#include "braid/torch.h"
#include "cli/command.h"

namespace braid::cli {
namespace {

struct ForwardOptions {
  std::string model, weights, input, output, grads, save_weights;
  std::optional<uint64_t> init;
  std::optional<int64_t> num_classes, in_chans, img_size;
  std::string model_kwargs = "{}";
  bool reparameterize = false;
  std::string max_shard_size;
  std::string device = "cpu";
  std::string dtype = "float32";
};

void set_if_given(Json& overrides, const char* field, const std::optional<int64_t>& value) {
  if (value) overrides[field] = *value;
}

Json parse_kwargs(const std::string& text) {
  Json json;
  try {
    json = parse_json(text, {.component = "forward", .where = "--model-kwargs"});
  } catch (const DataError&) {  // said below, with an example
  }
  if (!json.is_object())
    throw UsageError("forward", "expected a JSON object, got '" + text + "'", "--model-kwargs",
                     R"(for example --model-kwargs '{"depths": [1, 1]}')");
  return json;
}

torch::Device parse_device(const std::string& name) {
  try {
    return runtime::resolve_device(name);
  } catch (const ConfigError&) {
    throw UsageError("forward", "expected cpu, or cuda where there is one, got '" + name + "'",
                     "--device");
  }
}

torch::Tensor load_input(const std::string& file) {
  const auto tensors = runtime::load_tensors(file);
  const auto it = tensors.find("input");
  if (it == tensors.end()) throw DataError("forward", "expected a tensor 'input' [B,C,H,W]", file);
  const auto& input = it->second;
  if (input.dim() != 4 || !input.is_floating_point() || input.numel() == 0)
    throw DataError("forward",
                    fmt::format("expected 'input' as float32 [B,C,H,W], got {} [{}]",
                                c10::toString(input.scalar_type()), fmt::join(input.sizes(), ",")),
                    file);
  return input.to(torch::kFloat);
}

// The classifier's size in the weights, where a tensor of that name is.
void infer_num_classes(Json& overrides, const runtime::TensorMap& given,
                       const models::Model& model) {
  const auto weights = models::without_wrapper(given, model);
  const auto it = weights.find(model.head_modules().at(0) + ".weight");
  if (it != weights.end() && it->second.dim() > 0) overrides["num_classes"] = it->second.size(0);
}

// d(mean(logits^2)) / d(parameter), every parameter under its name.
void save_gradients(models::Model& model, const torch::Tensor& logits, const std::string& file) {
  logits.square().mean().backward();
  runtime::TensorMap gradients;
  for (const auto& item : model.named_parameters())
    gradients[item.key()] =
        item.value().grad().defined() ? item.value().grad() : torch::zeros_like(item.value());
  runtime::save_tensors(gradients, file);
}

bool names_folder(const std::string& path) { return path.ends_with('/') || io::is_folder(path); }

void save(const models::ImageModel& model, const ForwardOptions& options) {
  if (!names_folder(options.save_weights)) {
    models::save_weights(model, options.save_weights);
    return;
  }
  const uint64_t most = options.max_shard_size.empty()
                            ? io::kMaxShardSize
                            : io::parse_byte_size(options.max_shard_size);
  models::save_model(model, models::make_image_hub_config(options.model, model),
                     options.save_weights, most);
}

void check_combination(const ForwardOptions& options) {
  if (options.weights.empty() == !options.init)
    throw UsageError("forward", "expected one of --weights and --init", options.model);
  if (options.input.empty() && options.save_weights.empty())
    throw UsageError("forward", "expected --input, or --save-weights", options.model);
  if (options.input.empty() != options.output.empty())
    throw UsageError("forward", "expected --input and --output together", options.model);
  if (!options.max_shard_size.empty()) {
    io::parse_byte_size(options.max_shard_size);
    if (options.save_weights.empty() || !names_folder(options.save_weights))
      throw UsageError("forward", "expected --save-weights FOLDER/ with it", "--max-shard-size");
  }
  if (!options.grads.empty() && options.input.empty())
    throw UsageError("forward", "expected --input with --grads", options.model);
}

void run(const ForwardOptions& options) {
  check_combination(options);
  const auto entry = models::find_model(options.model);
  const auto device = parse_device(options.device);
  // float64 is for parity checks: there a ReLU's sign does not hang on the order of summation.
  const bool exact = options.dtype == "float64";
  const auto dtype = exact ? "float32" : runtime::resolve_dtype(options.dtype, device.type());
  const auto scalar = exact ? torch::kDouble : torch::kFloat;

  torch::Tensor input;
  Json overrides = parse_kwargs(options.model_kwargs);
  if (!options.input.empty()) {
    input = load_input(options.input);
    overrides["in_chans"] = input.size(1);
    overrides["img_size"] = std::max(input.size(2), input.size(3));
  }
  const auto weights = io::resolve_weights(options.weights, *make_terminal_progress());
  const auto tensors = weights.empty() ? runtime::TensorMap() : runtime::load_tensors(weights);
  if (!weights.empty() && !options.num_classes)
    infer_num_classes(overrides, tensors, *entry.make(Json::object()));
  set_if_given(overrides, "num_classes", options.num_classes);
  set_if_given(overrides, "in_chans", options.in_chans);
  set_if_given(overrides, "img_size", options.img_size);
  if (input.defined() && overrides.value("in_chans", int64_t{0}) != input.size(1))
    throw DataError(
        "forward",
        fmt::format("expected {} channels, got {}", overrides["in_chans"].dump(), input.size(1)),
        options.input, "leave --in-chans out");

  auto model =
      models::create_model<models::ImageModel>(options.model, overrides, options.init.value_or(0));
  if (!weights.empty()) models::load_tensors_into(*model, tensors, weights.string());
  model->eval();
  if (options.reparameterize) model->reparameterize();
  if (!options.save_weights.empty()) save(*model, options);
  if (!input.defined()) return;

  model->to(device, scalar);
  input = input.to(device, scalar).contiguous(at::MemoryFormat::ChannelsLast);
  const torch::AutoGradMode record(!options.grads.empty());
  torch::Tensor features, logits;
  {
    const runtime::Autocast autocast(device.type(), dtype);
    features = model->forward_features(input);
    logits = model->forward_head(features);
  }
  runtime::save_tensors({{"logits", logits.to(scalar)}, {"features", features.to(scalar)}},
                        options.output);
  if (!options.grads.empty()) save_gradients(*model, logits.to(scalar), options.grads);
}

}  // namespace

void add_forward(CLI::App& program) {
  auto* verb = program.add_subcommand("forward", "Run a model on a tensor file");
  verb->footer(
      "Examples:\n"
      "  braid forward resnet18 --init 0 --save-weights w.safetensors\n"
      "  braid forward resnet18 --weights w.safetensors --input in.safetensors --output "
      "out.safetensors\n"
      "  braid forward fastvit_t8 --weights w.safetensors --reparameterize --save-weights "
      "deployed/");
  auto o = std::make_shared<ForwardOptions>();
  verb->add_option("model", o->model, "architecture, see `braid models`")->required();
  verb->add_option("--weights", o->weights,
                   ".safetensors file, a checkpoint's folder, or hf-hub:OWNER/NAME");
  verb->add_option("--init", o->init, "random weights from this seed instead");
  verb->add_option("--save-weights", o->save_weights,
                   "write the weights to this file; a folder (FOLDER/) gets config.json too");
  verb->add_flag("--reparameterize", o->reparameterize,
                 "sum the branches that only training needs (FastViT, RepViT)");
  verb->add_option("--max-shard-size", o->max_shard_size,
                   "FOLDER/: split the weights into files of at most so much, such as 300MB [5GB]");
  verb->add_option("--input", o->input, "file with the tensor 'input' [B,C,H,W], float32");
  verb->add_option("--output", o->output, "file to write: 'logits' and 'features'");
  verb->add_option("--grads", o->grads,
                   "file to write: the gradient of mean(logits^2), per parameter, in eval mode");
  verb->add_option("--num-classes", o->num_classes, "classes [from the weights]");
  verb->add_option("--in-chans", o->in_chans, "input channels [from the input]");
  verb->add_option("--img-size", o->img_size, "pixels along one side [from the input]");
  verb->add_option("--model-kwargs", o->model_kwargs, "fields of the model's config as JSON [{}]");
  show_choices(verb->add_option("--device", o->device, "where it computes [cpu]"),
               {"cpu", "cuda", "cuda:N"});
  show_choices(verb->add_option("--dtype", o->dtype, "precision [float32]"),
               {"float32", "bfloat16", "float64", "auto"});
  verb->callback([o] { run(*o); });
}

}  // namespace braid::cli
