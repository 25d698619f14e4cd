#include "braid/serve/config.h"

#include "braid/core/error.h"
#include "braid/serve/http/host_name.h"

namespace braid::serve {

void ServeConfig::visit(FieldVisitor& v) {
  constexpr double kLongest = 86400, kMostBytes = 1e12, kMany = 1e6;
  v.field("host", host, "address to listen on; 0.0.0.0: all of them, whoever can reach them");
  v.field("port", port, "port, 0: any free one", {.least = 0, .most = 65535});
  v.field("allowed_hosts", allowed_hosts,
          "names that requests may be for, by their Host header, besides localhost, 127.* and ::1; "
          "*: any; none: any, but on a loopback address those three alone");
  v.field("max_batch_size", max_batch_size, "images or texts that the model sees at once",
          {.least = 1, .most = 4096});
  v.field(
      "max_queue_delay_us", max_queue_delay_us,
      "microseconds that a request waits for others to fill its batch, beyond the time that the "
      "batch before it takes",
      {.least = 0, .most = 60e6});
  v.field("max_queue_size", max_queue_size,
          "requests that wait for a model; beyond them 503 is answered",
          {.least = 1, .most = kMany});
  v.field("request_timeout", request_timeout,
          "seconds from a request's first byte to its answer, and for the client to take that",
          {.most = kLongest, .above = 0});
  v.field("header_timeout", header_timeout, "seconds for a request's head",
          {.most = kLongest, .above = 0});
  v.field("keep_alive_timeout", keep_alive_timeout,
          "seconds that a connection stays open without a request", {.most = kLongest, .above = 0});
  v.field("drain_timeout", drain_timeout, "seconds to answer what was asked before SIGTERM",
          {.least = 0, .most = kLongest});
  v.field("max_body_size", max_body_size, "bytes of a request's body, also inflated",
          {.least = 1, .most = 1e10});
  v.field("max_request_memory", max_request_memory,
          "bytes of all requests at once and of what is made of them; beyond them 503 is answered",
          {.least = 1, .most = kMostBytes});
  v.field("max_connections", max_connections, "connections at once", {.least = 1, .most = kMany});
  v.field("rate_limit", rate_limit,
          "requests per second of each client address, beyond them 429 is answered; 0: any number",
          {.least = 0, .most = 1e9});
  v.field("workers", workers,
          "threads that decode images and tokenize texts, 0: one per processor, 8 at most",
          {.least = 0, .most = 1024});
  v.field("http_threads", http_threads, "threads that read and write connections",
          {.least = 1, .most = 64});
  v.field("exit_on_error", exit_on_error, "end where a model cannot be loaded at the start");
}

void check_allowed_hosts(const ServeConfig& config) {
  for (const auto& host : config.allowed_hosts)
    if (host != "*" && !is_host(host))
      throw UsageError("serve", "expected the name or address of a host, got '" + host + "'",
                       "--allowed-hosts",
                       "such as models.example, 10.0.0.7, [::1] or models.example:8000, with "
                       "commas between them: no http://, no path, no blanks; * allows any");
}

}  // namespace braid::serve
