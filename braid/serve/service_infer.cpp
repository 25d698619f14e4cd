// An inference on its way: a place in the queue, the body read and prepared by a worker, the
// model's batch, the answer written by a worker.
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "braid/core/error.h"
#include "braid/serve/protocol/infer_request.h"
#include "braid/serve/protocol/infer_response.h"
#include "braid/serve/read_request.h"
#include "braid/serve/service.h"

namespace braid::serve {
namespace {

using Clock = std::chrono::steady_clock;

uint64_t nanoseconds(double seconds) { return static_cast<uint64_t>(seconds * 1e9); }

void check_rows(int64_t rows, int64_t most) {
  if (rows < 1 || rows > most)
    throw DataError("request", fmt::format("expected a batch of 1 to {}, got {}", most, rows),
                    "inputs", rows < 1 ? "" : "send several requests");
}

// The engine's inputs of a request's. working: is charged for what preparing them takes; truncated:
// gets the rows whose end is not read.
std::vector<Tensor> engine_inputs(const Model& model, InferRequest& request, int64_t most_rows,
                                  MemoryBudget::Charge& working, std::vector<int64_t>& truncated) {
  auto& inputs = request.inputs;
  if (request.raw) inputs.front().name = model.prepared.name;
  if (inputs.size() == 1 && inputs.front().name == model.prepared.name) {
    check_input(inputs.front(), model.prepared);
    check_rows(inputs.front().rows(), most_rows);
    expect_memory(working, model.preparation->working_bytes(inputs.front()));
    return model.preparation->prepare_and_note(inputs.front(), truncated);
  }
  const auto& specs = model.engine->inputs();
  std::string known = model.prepared.name;
  if (model.takes_tensors)
    for (const auto& spec : specs) known += " or " + spec.name;
  std::vector<Tensor> ordered;
  for (const auto& spec : specs) {
    const auto found = std::find_if(inputs.begin(), inputs.end(), [&](const auto& input) {
      return model.takes_tensors && input.name == spec.name;
    });
    if (found == inputs.end() || inputs.size() != specs.size())
      throw DataError("request",
                      fmt::format("expected the input {}, got {} of them, '{}' the first", known,
                                  inputs.size(), inputs.front().name),
                      "inputs");
    check_input(*found, spec);
    check_rows(found->rows(), most_rows);
    if (found->rows() != inputs.front().rows())
      throw DataError("request", "expected inputs of as many rows", "inputs");
    ordered.push_back(*found);
  }
  return ordered;
}

}  // namespace

struct Service::Inference {
  Inference(ExchangePtr given, ServedModelPtr model, Batcher::Place queue_place)
      : exchange(std::move(given)), served(std::move(model)) {
    place.emplace(std::move(queue_place));
  }
  ExchangePtr exchange;
  ServedModelPtr served;
  std::optional<Batcher::Place> place;  // until it is submitted
  InferRequest request{};
  std::vector<int64_t> truncated{};  // rows
  double prepare_seconds = 0;
};

void Service::infer(const ExchangePtr& exchange, const std::string& name) {
  auto served = repository_.find(name);
  if (!served) return exchange->respond(unknown_model(name));
  auto place = served->batcher.enter();
  if (!place) {
    served->metrics.end(Ending::kOverload);
    return exchange->respond(
        try_later(503, "the model's queue is full", served->batcher.seconds_to_drain()));
  }
  // A place belongs to its batcher, so that the model is named first and goes last.
  const auto inference =
      std::make_shared<Inference>(exchange, std::move(served), std::move(*place));
  workers_.post([this, inference] { prepare(inference); });
}

void Service::fail(const std::shared_ptr<Inference>& inference, Ending ending,
                   HttpResponse response) {
  auto& metrics = inference->served->metrics;
  inference->place.reset();
  const auto abandoned = inference->exchange->abandoned();
  metrics.end(abandoned == Abandoned::kClientGone ? Ending::kCancelled
              : abandoned                         ? Ending::kTimeout
                                                  : ending);
  metrics.fail_ns += nanoseconds(
      std::chrono::duration<double>(Clock::now() - inference->exchange->request().begun).count());
  inference->exchange->respond(std::move(response));
}

void Service::prepare(const std::shared_ptr<Inference>& inference) {
  auto& exchange = *inference->exchange;
  auto& request = exchange.request();
  if (exchange.abandoned()) return fail(inference, Ending::kCancelled, {});
  const auto begin = Clock::now();
  try {
    MemoryBudget::Charge working(budget_);  // until the inputs are there
    inference->request = read_request(request, working, options_.config.max_body_size);
    const auto& served = *inference->served;
    auto inputs =
        engine_inputs(*served.model, inference->request, served.batcher.options().max_batch_size,
                      working, inference->truncated);
    int64_t bytes = 0;
    for (const auto& input : inputs) bytes += static_cast<int64_t>(input.data.size());
    expect_memory(request.memory, bytes);
    inference->prepare_seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    inference->served->metrics.prepare.observe(inference->prepare_seconds);
    auto deadline = request.deadline;
    if (const auto timeout = inference->request.timeout_us; timeout && *timeout > 0) {
      constexpr int64_t kLongestUs = int64_t{86400} * 1'000'000;
      deadline = std::min(
          deadline, request.begun + std::chrono::microseconds(std::min(*timeout, kLongestUs)));
      exchange.expire_at(deadline);
    }
    inference->request.inputs.clear();  // what was prepared takes their place
    request.body.reset();
    Job job{.inputs = std::move(inputs),
            .deadline = deadline,
            .done = [this, inference](JobResult result) {
              auto kept = std::make_shared<JobResult>(std::move(result));
              workers_.post([this, inference, kept] { finish(inference, std::move(*kept)); }, true);
            }};
    auto place = std::move(*inference->place);
    inference->place.reset();
    const uint64_t number = inference->served->batcher.submit(std::move(place), std::move(job));
    std::weak_ptr<Inference> weak = inference;
    exchange.on_abandoned([this, served = inference->served, number, weak](Abandoned) {
      // Whoever waits in the queue leaves it; a batch that runs is finished without them.
      const auto waiting = weak.lock();
      if (waiting && served->batcher.cancel(number)) fail(waiting, Ending::kCancelled, {});
    });
  } catch (...) {
    auto [ending, response] = failure_of(std::current_exception());
    fail(inference, ending, std::move(response));
  }
}

void Service::finish(const std::shared_ptr<Inference>& inference, JobResult result) {
  auto& metrics = inference->served->metrics;
  const auto& model = *inference->served->model;
  if (inference->exchange->abandoned()) return fail(inference, Ending::kCancelled, {});
  switch (result.ending) {
    case Ending::kSuccess:
      break;
    case Ending::kTimeout:
      return fail(inference, result.ending, json_error(504, result.error));
    case Ending::kInvalid:
      return fail(inference, result.ending, json_error(result.too_large ? 413 : 422, result.error));
    case Ending::kOverload:
      return fail(inference, result.ending, try_later(503, result.error, 1));
    default:
      return fail(inference, result.ending, json_error(500, result.error));
  }
  try {
    InferResponse response{.model_name = inference->served->name,
                           .model_version = "1",
                           .id = inference->request.id,
                           .truncated_rows = inference->truncated,
                           .outputs = std::move(result.outputs)};
    const auto probabilities_of = model.several_labels ? sigmoid : softmax;
    response.outputs.push_back(probabilities_of(response.outputs.front(), "probabilities"));
    auto encoded = encode_response(response, inference->request, model.classes);
    HttpResponse answer{.body = std::move(encoded.body), .memory = MemoryBudget::Charge(budget_)};
    expect_memory(answer.memory, static_cast<int64_t>(answer.body.size()));
    if (encoded.json_bytes) {
      answer.content_type = "application/octet-stream";
      answer.headers.emplace_back("Inference-Header-Content-Length",
                                  std::to_string(*encoded.json_bytes));
    }
    answer.headers.emplace_back(
        "Server-Timing",
        fmt::format("prepare;dur={:.3f}, queue;dur={:.3f}, infer;dur={:.3f}, batch;desc=\"{}\"",
                    inference->prepare_seconds * 1e3, result.queue_seconds * 1e3,
                    result.inference_seconds * 1e3, result.batch_rows));
    metrics.end(Ending::kSuccess);
    metrics.prepare_ns += nanoseconds(inference->prepare_seconds);
    metrics.queue_ns += nanoseconds(result.queue_seconds);
    metrics.inference_ns += nanoseconds(result.inference_seconds);
    answer.on_written = [&metrics, begun = inference->exchange->request().begun] {
      const double seconds = std::chrono::duration<double>(Clock::now() - begun).count();
      metrics.request.observe(seconds);
      metrics.success_ns += nanoseconds(seconds);
    };
    inference->exchange->respond(std::move(answer));
  } catch (...) {
    auto [ending, response] = failure_of(std::current_exception());
    fail(inference, ending, std::move(response));
  }
}

}  // namespace braid::serve
