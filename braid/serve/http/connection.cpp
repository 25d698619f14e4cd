#include "braid/serve/http/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <cctype>
#include <ctime>
#include <utility>

#include "braid/core/version.h"

namespace braid::serve {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr uint32_t kMaxHeadBytes = 16 << 10;
constexpr size_t kMaxPipelinedBytes = 16 << 10;  // read ahead while a request is answered
// Read ahead of what is understood. An endless chunk's extension or trailer is understood at its
// end alone, and is no part of the body that other limits hold for.
constexpr size_t kMaxBufferedBytes = 128 << 10;
constexpr size_t kLeastBodyStep = 64 << 10, kMostBodyStep = 4 << 20;
constexpr size_t kReservedBody = 4 << 20;  // set aside for a body, and not touched before it comes
// What every answer begins with, whatever it will be.
constexpr std::string_view kVersion = "HTTP/1.1 ";

constexpr std::chrono::milliseconds kIdleWhileDraining{300};
constexpr std::chrono::seconds kLinger{2};

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

std::string_view reason_of(int status) {
  return view(http::obsolete_reason(static_cast<http::status>(status)));
}

std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 64> text;
  const size_t size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return {text.data(), size};
}

auto in_clock(HttpOptions::Seconds seconds) {
  return std::chrono::duration_cast<Connection::Clock::duration>(seconds);
}

}  // namespace

// Goes to whoever answers; the connection may be gone before it.
class Connection::Waiting final : public Exchange {
 public:
  Waiting(HttpRequest request, const std::shared_ptr<Connection>& connection)
      : Exchange(std::move(request)),
        connection_(connection),
        number_(connection->request_number_),
        executor_(connection->socket_.get_executor()) {}

  void respond(HttpResponse response) override {
    on_abandoned({});
    asio::post(executor_,
               [self = connection_, number = number_, response = std::move(response)]() mutable {
                 const auto connection = self.lock();
                 if (connection && connection->waits_for(number))
                   connection->send(std::move(response));
               });
  }

  void expire_at(Clock::time_point deadline) override {
    asio::post(executor_, [self = connection_, number = number_, deadline] {
      const auto connection = self.lock();
      if (connection && connection->waits_for(number)) connection->set_timer(deadline);
    });
  }

  using Exchange::abandon;

 private:
  std::weak_ptr<Connection> connection_;
  const uint64_t number_;  // an address would be another request's once this one is gone
  asio::ip::tcp::socket::executor_type executor_;
};

Connection::Connection(asio::ip::tcp::socket socket, ConnectionContext& context,
                       std::function<void(Connection*)> on_end)
    : socket_(std::move(socket)),
      context_(context),
      on_end_(std::move(on_end)),
      timer_(socket_.get_executor()),
      buffer_(kMaxBufferedBytes) {
  ++context_.metrics.connections;
  ++context_.metrics.connections_total;
}

Connection::~Connection() {
  --context_.metrics.connections;
  on_end_(this);
}

void Connection::start() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    error_code error;
    const auto end = self->socket_.remote_endpoint(error);
    if (!error) self->client_ = end.address().to_string();
    self->socket_.set_option(asio::ip::tcp::no_delay(true), error);
    self->socket_.non_blocking(true, error);
    self->next_request();
  });
}

void Connection::drain() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    if (self->phase_ == Phase::kIdle) self->set_timer(Clock::now() + kIdleWhileDraining);
  });
}

void Connection::abort() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    if (self->phase_ == Phase::kWaiting) self->waiting_->abandon(Abandoned::kClientGone);
    self->close();
  });
}

void Connection::next_request() {
  request_ = {};
  body_size_ = body_charged_ = 0;
  probed_ = false;
  phase_ = Phase::kIdle;
  if (buffer_.size() > 0) return begin_head();
  buffer_.shrink_to_fit();
  set_timer(Clock::now() + (context_.draining ? in_clock(kIdleWhileDraining)
                                              : in_clock(context_.options.keep_alive_timeout)));
  watch();
}

void Connection::begin_head() {
  phase_ = Phase::kHead;
  request_.begun = Clock::now();
  keep_alive_ = head_only_ = old_version_ = false;
  set_timer(request_.begun + in_clock(context_.options.header_timeout));
  parser_.emplace();
  parser_->header_limit(kMaxHeadBytes);
  parser_->body_limit(context_.options.max_body_size);
  read_head();
}

void Connection::read_head() {
  http::async_read_header(socket_, buffer_, *parser_,
                          [self = shared_from_this()](const error_code& error, size_t) {
                            if (self->phase_ == Phase::kHead) self->on_head(error);
                          });
}

void Connection::on_head(const error_code& error) {
  if (error) return refuse_parse_error(error);
  const auto& head = parser_->get();
  request_.method = std::string(view(head.method_string()));
  request_.target = std::string(view(head.target()));
  request_.client = client_;
  for (const auto& field : head) {
    auto& value = request_.headers[lower(view(field.name_string()))];
    value += (value.empty() ? "" : ", ") + std::string(view(field.value()));
  }
  request_.deadline = request_.begun + in_clock(context_.options.request_timeout);
  keep_alive_ = parser_->keep_alive();
  old_version_ = head.version() < 11;
  head_only_ = request_.method == "HEAD";
  if (auto refused = context_.handler.refuse(request_)) {
    // What follows may be long: only who sends no body goes on.
    if (!parser_->is_done()) keep_alive_ = false;
    return refuse(std::move(*refused));
  }
  request_.memory = MemoryBudget::Charge(context_.budget);
  set_timer(request_.deadline);
  if (parser_->is_done()) return handle_request();
  phase_ = Phase::kBody;
  if (const auto length = parser_->content_length())
    request_.body->reserve(std::min<uint64_t>(*length, kReservedBody));
  // Who speaks HTTP/1.0 would take it for the answer.
  if (!old_version_ && lower(request_.header("expect")) == "100-continue") return send_continue();
  read_body();
}

void Connection::send_continue() {
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  phase_ = Phase::kContinue;
  asio::async_write(socket_, asio::buffer(kContinue.data(), kContinue.size()),
                    [self = shared_from_this()](const error_code& error, size_t) {
                      if (self->phase_ != Phase::kContinue) return;
                      if (error) return self->close();
                      self->phase_ = Phase::kBody;
                      self->read_body();
                    });
}

void Connection::read_body() {
  auto& body = *request_.body;
  size_t step = std::clamp(body_size_, kLeastBodyStep, kMostBodyStep);
  if (const auto left = parser_->content_length_remaining())
    step = std::min<size_t>(step, std::max<uint64_t>(*left, 1));
  // What is touched counts; a text that has to grow beyond its reserve takes twice its size.
  const size_t wanted = body_size_ + step;
  const size_t grown = wanted > body.capacity() ? 2 * body.capacity() : body.capacity();
  const size_t held = grown > kReservedBody ? std::max(grown, wanted) : wanted;
  const size_t more = held - std::min(held, body_charged_);
  body_charged_ += more;
  if (!request_.memory.add(static_cast<int64_t>(more))) {
    keep_alive_ = false;
    return refuse(try_later(503, "the server holds as many bytes of requests as it may", 1));
  }
  body.resize(wanted);
  auto& place = parser_->get().body();
  place.data = body.data() + body_size_;
  place.size = step;
  place.more = true;
  http::async_read(
      socket_, buffer_, *parser_,
      [self = shared_from_this(), step, kept = request_.body](const error_code& error, size_t) {
        if (self->phase_ == Phase::kBody) self->on_body(error, step);
      });
}

void Connection::on_body(const error_code& error, size_t offered) {
  if (error && error != http::error::need_buffer) return refuse_parse_error(error);
  body_size_ += offered - parser_->get().body().size;
  if (!parser_->is_done()) return read_body();
  request_.body->resize(body_size_);
  handle_request();
}

void Connection::handle_request() {
  phase_ = Phase::kWaiting;
  ++context_.metrics.requests_in_progress;
  ++request_number_;
  waiting_ = std::make_shared<Waiting>(std::move(request_), shared_from_this());
  request_ = {};
  const auto exchange = waiting_;
  watch();
  try {
    context_.handler.handle(exchange);
  } catch (const std::exception& error) {
    exchange->respond(json_error(500, error.what()));
  }
}

void Connection::refuse(HttpResponse response) {
  phase_ = Phase::kWaiting;
  ++context_.metrics.requests_in_progress;
  send(std::move(response));
}

void Connection::refuse_parse_error(const error_code& error) {
  keep_alive_ = false;
  if (error == http::error::header_limit)
    return refuse(
        json_error(431, fmt::format("expected at most {} bytes of headers", kMaxHeadBytes)));
  if (error == http::error::body_limit)
    return refuse(
        json_error(413, fmt::format("expected at most {} bytes", context_.options.max_body_size)));
  if (error == http::error::buffer_overflow)
    return refuse(json_error(
        400,
        fmt::format("expected a chunk's head or trailer of at most {} bytes: send the body with "
                    "a Content-Length",
                    kMaxBufferedBytes)));
  if (error.category() != http::make_error_code(http::error::bad_method).category() ||
      error == http::error::end_of_stream || error == http::error::partial_message)
    return close();  // the client has gone
  refuse(json_error(400, "expected a request of HTTP/1.1: " + error.message()));
}

std::string Connection::head_of(const HttpResponse& response) const {
  std::string head =
      fmt::format("{}{} {}\r\nServer: braid/{}\r\nDate: {}\r\n", kVersion, response.status,
                  reason_of(response.status), version(), http_date());
  if (!response.body.empty()) head += fmt::format("Content-Type: {}\r\n", response.content_type);
  head += fmt::format("Content-Length: {}\r\nX-Content-Type-Options: nosniff\r\n",
                      response.body.size());
  for (const auto& [name, value] : response.headers) head += fmt::format("{}: {}\r\n", name, value);
  if (!keep_alive_) head += "Connection: close\r\n";
  if (keep_alive_ && old_version_) head += "Connection: keep-alive\r\n";
  return head + "\r\n";
}

void Connection::send(HttpResponse response) {
  phase_ = Phase::kWriting;
  --context_.metrics.requests_in_progress;
  context_.metrics.count_response(response.status);
  waiting_.reset();
  request_ = {};
  if (context_.draining) keep_alive_ = false;
  set_timer(Clock::now() + in_clock(context_.options.request_timeout));
  struct Sent {
    std::string head;
    HttpResponse response;
  };
  const auto sent = std::make_shared<Sent>(Sent{head_of(response), std::move(response)});
  if (probed_) sent->head.erase(0, kVersion.size());
  const std::array<asio::const_buffer, 2> buffers = {
      asio::buffer(sent->head),
      head_only_ ? asio::const_buffer() : asio::buffer(sent->response.body)};
  asio::async_write(socket_, buffers,
                    [self = shared_from_this(), sent](const error_code& error, size_t) {
                      if (self->phase_ != Phase::kWriting) return;
                      if (!error && sent->response.on_written) sent->response.on_written();
                      self->on_written(error);
                    });
}

void Connection::on_written(const error_code& error) {
  if (error) return close();
  if (keep_alive_)
    next_request();
  else
    linger();
}

// Notices, while nothing is read, that the client sends more, or has gone.
void Connection::watch() {
  if (watching_) return;
  watching_ = true;
  socket_.async_wait(asio::ip::tcp::socket::wait_read,
                     [self = shared_from_this()](const error_code& error) {
                       self->watching_ = false;
                       if (!error) self->on_readable();
                     });
}

void Connection::on_readable() {
  if (phase_ == Phase::kIdle) return begin_head();
  if (phase_ != Phase::kWaiting || probed_) return;
  error_code error;
  const size_t room = kMaxPipelinedBytes - std::min(kMaxPipelinedBytes, buffer_.size());
  if (room == 0) return;
  buffer_.commit(socket_.read_some(buffer_.prepare(room), error));
  if (!error || error == asio::error::would_block) return watch();
  if (error == asio::error::eof) return probe_client();
  on_client_gone();
}

// A client that has closed its half may still wait for the answer, or be gone. Every answer begins
// with the same bytes; sent ahead, they make the system of one that is gone object.
void Connection::probe_client() {
  error_code error;
  if (socket_.write_some(asio::buffer(kVersion.data(), kVersion.size()), error) != kVersion.size())
    return on_client_gone();
  probed_ = true;
  socket_.async_wait(asio::ip::tcp::socket::wait_error,
                     [self = shared_from_this(), exchange = waiting_](const error_code& failed) {
                       if (!failed && self->phase_ == Phase::kWaiting && self->waiting_ == exchange)
                         self->on_client_gone();
                     });
}

void Connection::on_client_gone() {
  waiting_->abandon(Abandoned::kClientGone);
  close();
}

void Connection::set_timer(Clock::time_point at) {
  timer_.expires_at(at);
  timer_.async_wait([self = shared_from_this(), number = ++timer_number_](const error_code& error) {
    if (!error && number == self->timer_number_) self->on_timer();
  });
}

void Connection::on_timer() {
  switch (phase_) {
    case Phase::kWaiting:
      waiting_->abandon(Abandoned::kDeadline);
      return send(json_error(504, "the request's deadline has passed"));
    case Phase::kHead:
    case Phase::kBody:
      ++context_.metrics.timed_out_connections;
      keep_alive_ = false;
      return refuse(json_error(408, "the request took too long to arrive"));
    case Phase::kContinue:
    case Phase::kWriting:
      ++context_.metrics.timed_out_connections;
      return close();
    case Phase::kIdle:
    case Phase::kLingering:
    case Phase::kClosed:
      return close();
  }
}

// Closing with unread bytes would make the system take the answer back; so what still comes is read
// for a moment.
void Connection::linger() {
  phase_ = Phase::kLingering;
  error_code error;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, error);
  set_timer(Clock::now() + kLinger);
  discarded_.resize(kLeastBodyStep);
  discard();
}

void Connection::discard() {
  socket_.async_read_some(asio::buffer(discarded_),
                          [self = shared_from_this()](const error_code& error, size_t) {
                            if (self->phase_ != Phase::kLingering) return;
                            if (error) return self->close();
                            self->discard();
                          });
}

void Connection::close() {
  if (phase_ == Phase::kWaiting) --context_.metrics.requests_in_progress;
  phase_ = Phase::kClosed;
  ++timer_number_;
  timer_.cancel();
  error_code error;
  socket_.close(error);
  waiting_.reset();
  request_ = {};
}

}  // namespace braid::serve
