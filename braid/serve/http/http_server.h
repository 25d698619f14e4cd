// HTTP/1.1 over TCP: connections with deadlines and limits. Boost stays in the sources.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>

#include "braid/serve/http/exchange.h"
#include "braid/serve/http/http_options.h"
#include "braid/serve/metrics.h"

namespace braid::serve {

class HttpServer {
 public:
  // handler, budget, metrics: outlive it. Throws IoError where it cannot listen.
  HttpServer(const HttpOptions& options, Handler& handler, MemoryBudget& budget, Metrics& metrics);
  // As stop().
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  uint16_t port() const;
  void start();
  // Takes no new connections, answers the requests that are there and closes their connections.
  // Returns the number of requests that are still without an answer at the end of the time.
  int64_t drain(std::chrono::duration<double> at_most);
  // Closes all connections and joins. Exchanges may outlive it, but not this object.
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace braid::serve
