#include "braid/serve/onnx/runner_engine.h"

#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include "braid/core/cpu.h"
#include "braid/core/error.h"
#include "braid/runner/session.h"

namespace braid::serve {
namespace {

DataType protocol_type(runner::DType dtype) {
  switch (dtype) {
    case runner::DType::kFloat:
      return DataType::kFp32;
    case runner::DType::kUint8:
      return DataType::kUint8;
    case runner::DType::kInt8:
      return DataType::kInt8;
    case runner::DType::kInt32:
      return DataType::kInt32;
    case runner::DType::kInt64:
      return DataType::kInt64;
    case runner::DType::kBool:
      return DataType::kBool;
    case runner::DType::kDouble:
      return DataType::kFp64;
    case runner::DType::kInt4:  // of stored numbers alone
      break;
  }
  throw InternalError("serve", "expected a type of braid-run, got another");
}

std::vector<TensorSpec> specs_of(const std::vector<runner::FileValue>& values,
                                 const RunnerOptions& options) {
  std::vector<TensorSpec> specs;
  for (const auto& value : values) {
    if (value.dims.empty() || value.dims.front() >= 0)
      throw DataError(
          "runner",
          "expected a free batch in '" + value.name + "', got " + runner::to_string(value.dims),
          options.where, "export the model with `braid export`, whose batch is free");
    specs.push_back({.name = value.name,
                     .type = protocol_type(value.dtype),
                     .shape = value.dims,
                     .padding = value.name == "input_ids" ? options.pad_token_id : 0});
  }
  return specs;
}

class RunnerEngine final : public Engine {
 public:
  RunnerEngine(std::string_view onnx, const RunnerOptions& options)
      : onnx_(onnx),
        session_(runner::Session::of_bytes(
            {reinterpret_cast<const uint8_t*>(onnx_.data()), onnx_.size()}, options.where,
            {.threads = static_cast<int>(options.threads > 0 ? options.threads : usable_cpus())})),
        inputs_(specs_of(session_->inputs(), options)),
        outputs_(specs_of(session_->outputs(), options)) {}
  const std::vector<TensorSpec>& inputs() const override { return inputs_; }
  const std::vector<TensorSpec>& outputs() const override { return outputs_; }
  std::vector<Tensor> infer(const std::vector<Tensor>& batch) override {
    try {
      return run(batch);
    } catch (const runner::OutOfMemoryError& error) {
      throw BatchTooLargeError(error.what());
    }
  }

 private:
  std::vector<Tensor> run(const std::vector<Tensor>& batch) {
    std::map<std::string, runner::Tensor> given;
    for (size_t i = 0; i < inputs_.size(); ++i) {
      auto tensor = session_->make(session_->inputs()[i].dtype, batch.at(i).shape);
      if (tensor.byte_size() != batch[i].data.size())
        throw InternalError("serve", "expected a tensor of the file's type", inputs_[i].name);
      std::memcpy(tensor.raw(), batch[i].data.data(), tensor.byte_size());
      given.emplace(inputs_[i].name, std::move(tensor));
    }
    std::vector<Tensor> answers;
    auto results = session_->run(given);
    for (size_t i = 0; i < results.size(); ++i) {
      const auto kept = std::make_shared<const runner::Tensor>(std::move(results[i]));
      answers.push_back({.name = outputs_[i].name,
                         .type = outputs_[i].type,
                         .shape = kept->dims(),
                         .owner = kept,
                         .data = {reinterpret_cast<const char*>(kept->raw()), kept->byte_size()}});
    }
    return answers;
  }

  const std::string onnx_;  // a file that is written over while it is mapped would change
  std::unique_ptr<runner::Session> session_;
  std::vector<TensorSpec> inputs_, outputs_;
};

}  // namespace

std::unique_ptr<Engine> open_runner(std::string_view onnx, const RunnerOptions& options) {
  return std::make_unique<RunnerEngine>(onnx, options);
}

}  // namespace braid::serve
