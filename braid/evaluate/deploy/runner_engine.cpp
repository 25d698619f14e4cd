#include "braid/evaluate/deploy/runner_engine.h"

#include <cstring>
#include <map>
#include <utility>

#include "braid/core/error.h"
#include "braid/runner/session.h"

namespace braid::evaluate {
namespace {

serve::DataType protocol_type(runner::DType dtype) {
  switch (dtype) {
    case runner::DType::kFloat:
      return serve::DataType::kFp32;
    case runner::DType::kUint8:
      return serve::DataType::kUint8;
    case runner::DType::kInt8:
      return serve::DataType::kInt8;
    case runner::DType::kInt32:
      return serve::DataType::kInt32;
    case runner::DType::kInt64:
      return serve::DataType::kInt64;
    case runner::DType::kBool:
      return serve::DataType::kBool;
    case runner::DType::kDouble:
      return serve::DataType::kFp64;
  }
  throw InternalError("compare", "expected a type of braid-run, got another");
}

std::vector<serve::TensorSpec> specs_of(const std::vector<runner::FileValue>& values) {
  std::vector<serve::TensorSpec> specs;
  for (const auto& value : values)
    specs.push_back({.name = value.name, .type = protocol_type(value.dtype), .shape = value.dims});
  return specs;
}

class RunnerEngine final : public serve::Engine {
 public:
  explicit RunnerEngine(std::unique_ptr<runner::Session> session)
      : session_(std::move(session)),
        inputs_(specs_of(session_->inputs())),
        outputs_(specs_of(session_->outputs())) {}
  const std::vector<serve::TensorSpec>& inputs() const override { return inputs_; }
  const std::vector<serve::TensorSpec>& outputs() const override { return outputs_; }
  std::vector<serve::Tensor> infer(const std::vector<serve::Tensor>& batch) override {
    std::map<std::string, runner::Tensor> given;
    for (size_t i = 0; i < inputs_.size(); ++i) {
      auto tensor = session_->make(session_->inputs()[i].dtype, batch.at(i).shape);
      if (tensor.byte_size() != batch[i].data.size())
        throw InternalError("compare", "expected a tensor of the file's type", inputs_[i].name);
      std::memcpy(tensor.raw(), batch[i].data.data(), tensor.byte_size());
      given.emplace(inputs_[i].name, std::move(tensor));
    }
    std::vector<serve::Tensor> answers;
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

 private:
  std::unique_ptr<runner::Session> session_;
  std::vector<serve::TensorSpec> inputs_, outputs_;
};

}  // namespace

std::unique_ptr<serve::Engine> open_runner(const std::filesystem::path& file, int64_t threads) {
  return std::make_unique<RunnerEngine>(
      runner::Session::open(file, {.threads = static_cast<int>(threads)}));
}

}  // namespace braid::evaluate
