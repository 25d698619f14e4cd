#include "braid/tasks/training_rate.h"

#include <algorithm>
#include <chrono>

#include "braid/runtime/autocast.h"
#include "braid/runtime/device.h"
#include "braid/runtime/generator_guard.h"

namespace braid::tasks {

namespace {

// Of a model with so many multiply-accumulates for each item.
int64_t batch_for(int64_t macs) {
  constexpr double kFlops = 3e10, kFlopsPerMac = 6;
  return static_cast<int64_t>(std::clamp(
      kFlops / kFlopsPerMac / static_cast<double>(std::max<int64_t>(1, macs)), 4.0, 128.0));
}

torch::Tensor any_loss(const torch::Tensor& output) {
  return output.to(torch::kFloat).square().mean();
}

}  // namespace

double training_rate(models::Model& model, int64_t items, const std::string& dtype,
                     const std::function<torch::Tensor()>& loss) {
  using Clock = std::chrono::steady_clock;
  constexpr double kSeconds = 0.3, kSlow = 1;  // a model that needs the latter is called less often
  constexpr int kWarmUps = 2, kLeast = 2;
  const auto device = runtime::device_of(model);
  const runtime::SeededGenerator generator(device, 0);
  model.train();
  const auto step = [&] {
    torch::Tensor value;
    {
      const runtime::Autocast autocast(device.type(), dtype);
      value = loss();
    }
    value.backward();
    for (auto& parameter : model.parameters()) parameter.mutable_grad().reset();
    if (device.is_cuda()) torch::cuda::synchronize();
  };
  const auto since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  auto start = Clock::now();
  for (int k = 0; k < kWarmUps && since(start) < kSlow; ++k) step();
  start = Clock::now();
  int calls = 0;
  double seconds = 0;
  while ((calls < kLeast && seconds < kSlow) || seconds < kSeconds) {
    step();
    ++calls;
    seconds = since(start);
  }
  return static_cast<double>(items) * calls / std::max(1e-9, seconds);
}

double training_rate(models::ImageModel& model, int64_t macs, const std::string& dtype) {
  const auto device = runtime::device_of(model);
  const int64_t batch = batch_for(macs), side = model.img_size();
  torch::Tensor images;
  {
    const runtime::SeededGenerator generator(device, 0);
    // As the loader makes them: channels last, those of gray images too.
    images = torch::randn({batch, side, side, model.in_chans()}, device).permute({0, 3, 1, 2});
  }
  return training_rate(static_cast<models::Model&>(model), batch, dtype,
                       [&] { return any_loss(model.forward(images)); });
}

double training_rate(models::TextEncoder& model, int64_t length, int64_t macs,
                     const std::string& dtype) {
  const int64_t batch = batch_for(macs);
  models::TextInput input;
  {
    const runtime::SeededGenerator generator(runtime::device_of(model), 0);
    input = random_texts(model, batch, length);
  }
  return training_rate(static_cast<models::Model&>(model), batch, dtype,
                       [&] { return any_loss(model.forward(input)); });
}

models::TextInput random_texts(const models::TextEncoder& model, int64_t count, int64_t length) {
  const auto ids =
      torch::randint(model.vocab_size(), {count, length}, torch::TensorOptions(torch::kLong))
          .to(runtime::device_of(model));
  return {.input_ids = ids,
          .attention_mask = torch::ones_like(ids),
          .token_type_ids = torch::zeros_like(ids)};
}

}  // namespace braid::tasks
