// How a server listens, and how long it waits for its clients.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace braid::serve {

struct HttpOptions {
  using Seconds = std::chrono::duration<double>;
  std::string host = "127.0.0.1";
  uint16_t port = 0;  // 0: any free one
  int64_t threads = 2;
  int64_t max_connections = 4096;
  uint64_t max_body_size = 64 << 20;  // bytes
  Seconds header_timeout{10}, request_timeout{30}, keep_alive_timeout{75};
};

}  // namespace braid::serve
