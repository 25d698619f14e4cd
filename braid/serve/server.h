// `braid serve`: models behind HTTP, until somebody stops it.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "braid/core/progress.h"
#include "braid/serve/service.h"

namespace braid::serve {

class Server {
 public:
  // Loads the models, says so to `progress`, and listens. An empty page: the built-in one. Throws
  // UsageError, IoError and what loading throws.
  Server(ServiceOptions options, LoadModel load, Progress& progress);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  uint16_t port() const;
  // "http://127.0.0.1:8000"
  std::string address() const;
  // Serves until it is stopped, then answers what is there, for drain_timeout seconds at most.
  // Returns the number of requests that it left without an answer.
  int64_t run(const std::stop_token& stop, Progress& progress);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace braid::serve
