#include "braid/tasks/training_rate.h"

#include <algorithm>
#include <chrono>

#include "braid/runtime/autocast.h"
#include "braid/runtime/device.h"
#include "braid/runtime/generator_guard.h"

namespace braid::tasks {

namespace {

// forward: of a batch of the size that it is asked for, made once.
double measure_rate(models::Model& model, int64_t macs, const std::string& dtype,
                    const std::function<std::function<torch::Tensor()>(int64_t batch)>& prepare) {
  constexpr double kFlops = 3e10, kFlopsPerMac = 6,
                   kSeconds = 0.3;  // of a batch; of the measurement
  constexpr int kWarmUps = 2, kLeast = 2;
  const auto device = runtime::device_of(model);
  const runtime::SeededGenerator generator(device, 0);
  const auto batch = static_cast<int64_t>(std::clamp(
      kFlops / kFlopsPerMac / static_cast<double>(std::max<int64_t>(1, macs)), 4.0, 128.0));
  const auto forward = prepare(batch);
  model.train();
  std::chrono::steady_clock::time_point start;
  int calls = -kWarmUps;
  double seconds = 0;
  for (; calls < kLeast || seconds < kSeconds; ++calls) {
    if (calls == 0) start = std::chrono::steady_clock::now();
    torch::Tensor loss;
    {
      const runtime::Autocast autocast(device.type(), dtype);
      loss = forward().to(torch::kFloat).square().mean();
    }
    loss.backward();
    for (auto& parameter : model.parameters()) parameter.mutable_grad().reset();
    if (device.is_cuda()) torch::cuda::synchronize();
    if (calls >= 0)
      seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  return static_cast<double>(batch) * calls / std::max(1e-9, seconds);
}

}  // namespace

double training_rate(models::ImageModel& model, int64_t macs, const std::string& dtype) {
  return measure_rate(model, macs, dtype, [&](int64_t batch) {
    const int64_t side = model.img_size();
    auto images = torch::randn({batch, model.in_chans(), side, side}, runtime::device_of(model));
    if (model.in_chans() > 1) images = images.contiguous(at::MemoryFormat::ChannelsLast);
    return [&model, images] { return model.forward(images); };
  });
}

double training_rate(models::TextEncoder& model, int64_t length, int64_t macs,
                     const std::string& dtype) {
  return measure_rate(model, macs, dtype, [&](int64_t batch) {
    const auto ids =
        torch::randint(model.vocab_size(), {batch, length}, torch::TensorOptions(torch::kLong))
            .to(runtime::device_of(model));
    const models::TextInput input{.input_ids = ids,
                                  .attention_mask = torch::ones_like(ids),
                                  .token_type_ids = torch::zeros_like(ids)};
    return [&model, input] { return model.forward(input); };
  });
}

}  // namespace braid::tasks
