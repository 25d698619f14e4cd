// What the server answers: the Open Inference Protocol v2 with Triton's extensions, health, metrics
// and the page.
#pragma once
#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "braid/serve/config.h"
#include "braid/serve/http/exchange.h"
#include "braid/serve/metrics.h"
#include "braid/serve/rate_limiter.h"
#include "braid/serve/repository.h"
#include "braid/serve/worker_pool.h"

namespace braid::serve {

struct ServiceOptions {
  ServeConfig config{};
  std::vector<ModelSource> models{};
  std::filesystem::path repository{};  // may be empty
  std::string api_key{};               // empty: none is asked for
  std::string_view page{};             // of HTML
};

class Service final : public Handler {
 public:
  // Throws UsageError or IoError.
  Service(ServiceOptions options, LoadModel load, MemoryBudget& budget, Metrics& metrics);
  ~Service() override { stop(); }

  // Every model that is there; see(line): after each, what became of it. Throws the first error
  // where the config says so.
  void load_all(const std::function<void(const std::string& line)>& see);

  std::optional<HttpResponse> refuse(const HttpRequest& head) override;
  void handle(const std::shared_ptr<Exchange>& exchange) override;

  // From now on the server says that it is not ready.
  void begin_drain() { draining_ = true; }
  // Answers what is queued and ends the models. Nothing is handled afterwards.
  void stop();

 private:
  using Path = std::vector<std::string>;  // segments, decoded
  bool is_for_this_server(const HttpRequest& head) const;
  using ExchangePtr = std::shared_ptr<Exchange>;
  struct Inference;  // a request on its way through the model

  HttpResponse answer(const HttpRequest& request, const Path& path);
  HttpResponse answer_v2(const HttpRequest& request, const Path& path);
  HttpResponse answer_model(const HttpRequest& request, const Path& path);
  HttpResponse unknown_model(const std::string& name) const;
  HttpResponse server_metadata() const;
  HttpResponse repository_index(const HttpRequest& request) const;
  HttpResponse model_metadata(const ServedModel& served) const;
  HttpResponse model_config(const ServedModel& served) const;
  HttpResponse statistics(const std::string& name) const;

  void change_repository(const ExchangePtr& exchange, const std::string& name, bool load);
  void infer(const ExchangePtr& exchange, const std::string& name);
  void explain(const ExchangePtr& exchange, const std::string& name);
  void prepare(const std::shared_ptr<Inference>& inference);
  void submit(const std::shared_ptr<Inference>& inference);
  void finish(const std::shared_ptr<Inference>& inference, JobResult result);
  void fail(const std::shared_ptr<Inference>& inference, Ending ending, HttpResponse response);

  const ServiceOptions options_;
  MemoryBudget& budget_;
  Metrics& metrics_;
  RateLimiter limiter_;
  std::atomic<bool> draining_{false};
  WorkerPool workers_, loader_, explainer_;
  Repository repository_;
};

}  // namespace braid::serve
