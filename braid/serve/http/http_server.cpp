#include "braid/serve/http/http_server.h"

#include <fmt/format.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <exception>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "braid/core/error.h"
#include "braid/serve/http/connection.h"

namespace braid::serve {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

tcp::endpoint resolve_host(asio::io_context& io, const std::string& host, uint16_t port) {
  error_code error;
  const auto address = asio::ip::make_address(host, error);
  if (!error) return {address, port};
  tcp::resolver resolver(io);
  const auto found = resolver.resolve(host, std::to_string(port), error);
  if (error || found.empty())
    throw IoError("serve", "expected an address of this machine, got '" + host + "'", "--host");
  return found.begin()->endpoint();
}

}  // namespace

struct HttpServer::State {
  State(const HttpOptions& given, Handler& handler, MemoryBudget& budget, Metrics& metrics)
      : options(given),
        context{options, handler, budget, metrics},
        strand(asio::make_strand(io)),
        acceptor(strand),
        retry(strand) {
    const auto endpoint = resolve_host(io, options.host, options.port);
    error_code error;
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error)
      throw IoError("serve",
                    fmt::format("cannot listen on {} port {}: {}", options.host, options.port,
                                error.message()),
                    "--port", "--port 0 takes any free one");
    port = acceptor.local_endpoint().port();
  }

  void accept() {
    // Connections have strands of their own.
    acceptor.async_accept(asio::make_strand(io),
                          [this](const error_code& error, tcp::socket socket) {
                            if (error == asio::error::operation_aborted || !acceptor.is_open())
                              return;
                            if (error) return accept_later();
                            take(std::move(socket));
                            accept();
                          });
  }

  // Without descriptors or memory there is nothing to do but to wait for some.
  void accept_later() {
    retry.expires_after(std::chrono::milliseconds(100));
    retry.async_wait([this](const error_code& error) {
      if (!error && acceptor.is_open()) accept();
    });
  }

  void take(tcp::socket socket) {
    std::shared_ptr<Connection> connection;  // outlives the lock, which its end takes
    const std::lock_guard lock(mutex);
    if (static_cast<int64_t>(connections.size()) >= options.max_connections) {
      ++context.metrics.connections_refused;
      return;  // closed with the socket
    }
    connection = std::make_shared<Connection>(std::move(socket), context, [this](Connection* gone) {
      const std::lock_guard end(mutex);
      connections.erase(gone);
    });
    connections.emplace(connection.get(), connection);
    connection->start();
  }

  std::vector<std::shared_ptr<Connection>> open_connections() {
    const std::lock_guard lock(mutex);
    std::vector<std::shared_ptr<Connection>> open;
    for (const auto& [key, connection] : connections)
      if (auto one = connection.lock()) open.push_back(std::move(one));
    return open;
  }
  bool any_connections() {
    const std::lock_guard lock(mutex);
    return !connections.empty();
  }

  const HttpOptions options;
  ConnectionContext context;
  std::mutex mutex;
  std::unordered_map<Connection*, std::weak_ptr<Connection>> connections;
  asio::io_context io;
  asio::strand<asio::io_context::executor_type> strand;
  tcp::acceptor acceptor;
  asio::steady_timer retry;
  uint16_t port = 0;
  std::vector<std::thread> threads;
};

HttpServer::HttpServer(const HttpOptions& options, Handler& handler, MemoryBudget& budget,
                       Metrics& metrics)
    : state_(std::make_unique<State>(options, handler, budget, metrics)) {}

HttpServer::~HttpServer() { stop(); }

uint16_t HttpServer::port() const { return state_->port; }

void HttpServer::start() {
  asio::post(state_->strand, [this] { state_->accept(); });
  for (int64_t i = 0; i < state_->options.threads; ++i)
    state_->threads.emplace_back([this] {
      const auto work = asio::make_work_guard(state_->io);
      while (!state_->io.stopped()) try {
          state_->io.run();
        } catch (const std::exception&) {
          // Out of memory: one connection ends, with what its handler held, and the others go on.
          continue;
        }
    });
}

int64_t HttpServer::drain(std::chrono::duration<double> at_most) {
  const auto end = std::chrono::steady_clock::now() + at_most;
  state_->context.draining = true;
  asio::post(state_->strand, [this] {
    error_code error;
    state_->acceptor.close(error);
    state_->retry.cancel();
  });
  for (const auto& connection : state_->open_connections()) connection->drain();
  while (state_->any_connections() && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return state_->context.metrics.requests_in_progress;
}

void HttpServer::stop() {
  if (!state_ || state_->threads.empty()) return;
  asio::post(state_->strand, [this] {
    error_code error;
    state_->acceptor.close(error);
    state_->retry.cancel();
  });
  for (const auto& connection : state_->open_connections()) connection->abort();
  while (state_->any_connections()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  state_->io.stop();
  for (auto& thread : state_->threads) thread.join();
  state_->threads.clear();
}

}  // namespace braid::serve
