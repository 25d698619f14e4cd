// What `braid serve` can be told.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "braid/core/field.h"

namespace braid::serve {

struct ServeConfig {
  std::string host = "127.0.0.1";
  int64_t port = 8000;
  std::vector<std::string> allowed_hosts{};
  int64_t max_batch_size = 32;
  int64_t max_queue_delay_us = 0;
  int64_t max_queue_size = 256;
  double request_timeout = 30;
  double header_timeout = 10;
  double keep_alive_timeout = 75;
  double drain_timeout = 30;
  int64_t max_body_size = 64 << 20;
  int64_t max_request_memory = 1 << 30;
  int64_t max_connections = 4096;
  double rate_limit = 0;
  int64_t workers = 0;
  int64_t http_threads = 2;
  bool exit_on_error = true;
  void visit(FieldVisitor& v);
};

// Throws UsageError for an allowed host that no request can be for.
void check_allowed_hosts(const ServeConfig& config);

}  // namespace braid::serve
