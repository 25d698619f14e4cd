// libbraid_openvino.so: exported files on OpenVINO's CPU plugin.
#include "braid/serve/openvino/module/module.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <new>
#include <openvino/frontend/manager.hpp>
#include <openvino/openvino.hpp>
#include <sstream>
#include <utility>
#include <vector>

#include "braid/core/error.h"

namespace braid::serve {
namespace {

constexpr const char* kDevice = "CPU";

// One for all models: it holds the plugin, whose threads they share. Never destroyed: at the
// process's end the plugin's own statics may be gone before it.
ov::Core& core() {
  static ov::Core& one = *new ov::Core();
  return one;
}

// OpenVINO's texts are a stack of source lines with the reason below.
std::string reason(const std::exception& error) {
  std::istringstream lines(error.what());
  std::string all;
  for (std::string line; std::getline(lines, line);) {
    const auto begin = line.find_first_not_of(" \t");
    if (begin == std::string::npos) continue;
    line.erase(0, begin);
    if (line.starts_with("Exception from ") || line.starts_with("While validating node")) continue;
    if (line.starts_with("Check '")) {  // ... failed at FILE:LINE: REASON
      const auto said = line.rfind(".cpp:");
      const auto colon = said == std::string::npos ? said : line.find(": ", said);
      if (colon != std::string::npos) line.erase(0, colon + 2);
      if (line.ends_with(':') || line.starts_with("Check '")) continue;
    }
    all += (all.empty() ? "" : " ") + line;
  }
  constexpr size_t kMost = 500;
  return all.empty() ? "no reason" : all.substr(0, kMost);
}

const std::map<ov::element::Type_t, DataType>& data_types() {
  static const std::map<ov::element::Type_t, DataType> types = {
      {ov::element::Type_t::boolean, DataType::kBool}, {ov::element::Type_t::u8, DataType::kUint8},
      {ov::element::Type_t::i8, DataType::kInt8},      {ov::element::Type_t::i32, DataType::kInt32},
      {ov::element::Type_t::i64, DataType::kInt64},    {ov::element::Type_t::f32, DataType::kFp32},
      {ov::element::Type_t::f64, DataType::kFp64}};
  return types;
}

TensorSpec spec_of(const ov::Output<const ov::Node>& port, const std::string& name,
                   const OpenVinoOptions& options) {
  const auto type = data_types().find(port.get_element_type());
  if (type == data_types().end())
    throw DataError(
        "openvino",
        "expected numbers as '" + name + "', got " + port.get_element_type().get_type_name(),
        options.where);
  const auto& shape = port.get_partial_shape();
  if (shape.rank().is_dynamic() || shape.size() == 0 || shape[0].is_static())
    throw DataError("openvino", "expected a free batch in '" + name + "', got " + shape.to_string(),
                    options.where, "export the model with `braid export`, whose batch is free");
  TensorSpec spec{.name = name, .type = type->second};
  for (const auto& size : shape) spec.shape.push_back(size.is_static() ? size.get_length() : -1);
  if (name == "input_ids") spec.padding = options.pad_token_id;
  return spec;
}

class OpenVinoEngine final : public Engine {
 public:
  OpenVinoEngine(std::string_view onnx, const OpenVinoOptions& options) : where_(options.where) {
    guarded("file", [&] {
      const auto model = core().read_model(std::string(onnx), ov::Tensor());
      // Any batch and length runs through this one compilation.
      auto compiled = core().compile_model(model, kDevice, properties(*model, options));
      for (size_t i = 0; i < model->inputs().size(); ++i)
        inputs_.push_back(spec_of(compiled.input(i), name_of_input(*model, i), options));
      for (size_t i = 0; i < model->outputs().size(); ++i)
        outputs_.push_back(spec_of(compiled.output(i), name_of_output(*model, i), options));
      request_ = compiled.create_infer_request();
    });
  }

  const std::vector<TensorSpec>& inputs() const override { return inputs_; }
  const std::vector<TensorSpec>& outputs() const override { return outputs_; }

  std::vector<Tensor> infer(const std::vector<Tensor>& batch) override {
    std::vector<Tensor> outputs;
    guarded("batch", [&] {
      std::vector<std::vector<char>> aligned;  // copies of what is not
      for (size_t i = 0; i < batch.size(); ++i)
        request_.set_input_tensor(i, wrapped(batch[i], aligned));
      request_.infer();
      for (size_t i = 0; i < outputs_.size(); ++i) outputs.push_back(copied_output(i));
    });
    return outputs;
  }

 private:
  // Whatever OpenVINO throws is about what it was given.
  void guarded(const char* given, const std::function<void()>& run) const {
    try {
      run();
    } catch (const Error&) {
      throw;
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& error) {
      throw DataError(
          "openvino",
          std::string("expected a ") + given + " that OpenVINO can run, got: " + reason(error),
          where_);
    }
  }
  static ov::AnyMap properties(const ov::Model& model, const OpenVinoOptions& options) {
    ov::AnyMap properties = {
        ov::hint::performance_mode(ov::hint::PerformanceMode::LATENCY),
        ov::hint::inference_precision(options.dtype == "bfloat16" ? ov::element::bf16
                                                                  : ov::element::f32),
        ov::inference_num_threads(static_cast<int32_t>(options.threads)), ov::num_streams(1),
        // Models share the processors: pinned, all would sit on the same ones.
        ov::hint::enable_cpu_pinning(false)};
    // What was compiled for a batch's size is kept for the next of that size. Images have some
    // tens of sizes, texts thousands.
    constexpr int kKept = 500;
    const auto inputs = model.inputs();
    if (std::any_of(inputs.begin(), inputs.end(),
                    [](const auto& input) { return input.get_element_type() == ov::element::i64; }))
      properties["CPU_RUNTIME_CACHE_CAPACITY"] = kKept;
    return properties;
  }
  static std::string name_of_input(const ov::Model& model, size_t i) {
    return model.input(i).get_node()->get_friendly_name();
  }
  // A value may have several names; the file's output is the one that its node goes by.
  static std::string name_of_output(const ov::Model& model, size_t i) {
    const auto port = model.output(i);
    const auto& name = port.get_node()->get_friendly_name();
    const auto& names = port.get_names();
    return names.contains(name) || names.empty() ? name
                                                 : *std::min_element(names.begin(), names.end());
  }

  // Of the caller's bytes, which live until infer() ends.
  static ov::Tensor wrapped(const Tensor& tensor, std::vector<std::vector<char>>& aligned) {
    const auto found = std::find_if(data_types().begin(), data_types().end(),
                                    [&](const auto& one) { return one.second == tensor.type; });
    if (found == data_types().end())
      throw InternalError("openvino", "expected numbers for OpenVINO", tensor.name);
    const ov::element::Type type = found->first;
    const char* bytes = tensor.data.data();
    if (reinterpret_cast<uintptr_t>(bytes) % type.size() != 0)
      bytes = aligned.emplace_back(tensor.data.begin(), tensor.data.end()).data();
    return {type, ov::Shape(tensor.shape.begin(), tensor.shape.end()),
            static_cast<const void*>(bytes)};
  }

  // Its memory is the next run's too.
  Tensor copied_output(size_t i) const {
    const auto tensor = request_.get_output_tensor(i);
    const auto& shape = tensor.get_shape();
    const auto bytes = std::make_shared<const std::string>(static_cast<const char*>(tensor.data()),
                                                           tensor.get_byte_size());
    return {.name = outputs_[i].name,
            .type = outputs_[i].type,
            .shape = std::vector<int64_t>(shape.begin(), shape.end()),
            .owner = bytes,
            .data = *bytes};
  }

  const std::string where_;
  std::vector<TensorSpec> inputs_, outputs_;
  // Reading an output is no constant member of the request.
  mutable ov::InferRequest request_;
};

// The plugin and the reader of ONNX are files of their own, which may be gone.
std::string problem() {
  try {
    if (core().get_versions(kDevice).empty()) return "its CPU plugin is missing";
    ov::frontend::FrontEndManager().load_by_framework("onnx");
    return "";
  } catch (const std::exception& error) {
    return reason(error);
  }
}

std::unique_ptr<Engine> open(std::string_view onnx, const OpenVinoOptions& options) {
  return std::make_unique<OpenVinoEngine>(onnx, options);
}

}  // namespace
}  // namespace braid::serve

const braid::serve::OpenVinoModule* braid_openvino_module() {
  static const braid::serve::OpenVinoModule module = {BRAID_VERSION, &braid::serve::problem,
                                                      &braid::serve::open};
  return &module;
}
