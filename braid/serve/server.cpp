#include "braid/serve/server.h"

#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "braid/serve/http/http_server.h"
#include "braid/serve/page.h"

namespace braid::serve {
namespace {

HttpOptions http_options(const ServeConfig& config) {
  return {.host = config.host,
          .port = static_cast<uint16_t>(config.port),
          .threads = config.http_threads,
          .max_connections = config.max_connections,
          .max_body_size = static_cast<uint64_t>(config.max_body_size),
          .header_timeout = HttpOptions::Seconds(config.header_timeout),
          .request_timeout = HttpOptions::Seconds(config.request_timeout),
          .keep_alive_timeout = HttpOptions::Seconds(config.keep_alive_timeout)};
}

ServiceOptions prepared(ServiceOptions options) {
  check_allowed_hosts(options.config);
  if (options.page.empty()) options.page = builtin_page();
  return options;
}

}  // namespace

struct Server::State {
  State(const ServiceOptions& options, LoadModel load)
      : config(options.config),
        budget(config.max_request_memory),
        service(options, std::move(load), budget, metrics) {}
  const ServeConfig config;
  Metrics metrics;
  MemoryBudget budget;
  Service service;
  std::unique_ptr<HttpServer> http;
};

Server::Server(ServiceOptions options, LoadModel load, Progress& progress)
    : state_(std::make_unique<State>(prepared(std::move(options)), std::move(load))) {
  state_->service.load_all([&](const std::string& line) { progress.line(line); });
  state_->http = std::make_unique<HttpServer>(http_options(state_->config), state_->service,
                                              state_->budget, state_->metrics);
}

Server::~Server() {
  if (state_->http) state_->http->stop();
  state_->service.stop();  // whose workers may still hold exchanges of the connections
}

uint16_t Server::port() const { return state_->http->port(); }

std::string Server::address() const {
  const auto& host = state_->config.host;
  const bool version_6 = host.find(':') != std::string::npos;
  return fmt::format("http://{}:{}", version_6 ? "[" + host + "]" : host, port());
}

int64_t Server::run(const std::stop_token& stop, Progress& progress) {
  state_->http->start();
  {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    wake.wait(lock, stop, [] { return false; });
  }
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  state_->service.begin_drain();
  progress.line(fmt::format("Draining: {} requests are being answered.",
                            state_->metrics.requests_in_progress.load()));
  const int64_t left =
      state_->http->drain(std::chrono::duration<double>(state_->config.drain_timeout));
  state_->http->stop();
  state_->service.stop();
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  progress.line(left == 0 ? fmt::format("Drained in {:.1f} s.", seconds)
                          : fmt::format("Gave up on {} requests after {:.1f} s.", left, seconds));
  return left;
}

}  // namespace braid::serve
