// One client's connection: its requests one after the other, each with a deadline for its head, its
// body, its answer, and the client's taking of that. Included by sources of this folder alone.
#pragma once
#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "braid/serve/http/exchange.h"
#include "braid/serve/http/http_options.h"
#include "braid/serve/metrics.h"

namespace braid::serve {

// What the connections of a server share.
struct ConnectionContext {
  const HttpOptions& options;
  Handler& handler;
  MemoryBudget& budget;
  Metrics& metrics;
  std::atomic<bool> draining{false};
};

// All its members are used on the strand of its socket; handle() and respond() cross over by post.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Clock = std::chrono::steady_clock;
  Connection(boost::asio::ip::tcp::socket socket, ConnectionContext& context,
             std::function<void(Connection*)> on_end);
  ~Connection();

  void start();
  // From any thread: one that waits for a request ends soon, others after their answer.
  void drain();
  // From any thread.
  void abort();

 private:
  class Waiting;  // the exchange of a request
  enum class Phase { kIdle, kHead, kContinue, kBody, kWaiting, kWriting, kLingering, kClosed };

  void next_request();
  void begin_head();
  void read_head();
  void on_head(const boost::system::error_code& error);
  void read_body();
  void on_body(const boost::system::error_code& error, size_t offered);
  void handle_request();
  // Whether the answer to this request is still to come.
  bool waits_for(uint64_t number) const {
    return phase_ == Phase::kWaiting && request_number_ == number;
  }
  void send_continue();
  void refuse(HttpResponse response);
  void refuse_parse_error(const boost::system::error_code& error);
  void send(HttpResponse response);
  void on_written(const boost::system::error_code& error);
  std::string head_of(const HttpResponse& response) const;

  void watch();
  void on_readable();
  void probe_client();
  void on_client_gone();

  void set_timer(Clock::time_point at);
  void on_timer();
  void linger();
  void discard();
  void close();

  boost::asio::ip::tcp::socket socket_;
  ConnectionContext& context_;
  std::function<void(Connection*)> on_end_;
  std::string client_;
  boost::asio::steady_timer timer_;
  uint64_t timer_number_ = 0;  // a timer that was set anew says nothing any more
  uint64_t request_number_ = 0;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::buffer_body>> parser_;
  Phase phase_ = Phase::kIdle;
  HttpRequest request_;
  size_t body_size_ = 0;  // of request_.body, which is longer while it is read
  size_t body_charged_ = 0;
  bool keep_alive_ = false, head_only_ = false, old_version_ = false, watching_ = false,
       probed_ = false;
  std::shared_ptr<Waiting> waiting_;
  std::string discarded_;
};

}  // namespace braid::serve
