// A request and its answer, as whoever answers it sees them: no sockets here.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "braid/serve/memory_budget.h"

namespace braid::serve {

struct HttpRequest {
  std::string method{}, target{};
  std::map<std::string, std::string, std::less<>> headers{};  // lower-case names; values of one
                                                              // that comes twice, with a comma
  std::string client{};                                       // its address
  std::shared_ptr<std::string> body = std::make_shared<std::string>();
  MemoryBudget::Charge memory{};  // of the body and what was made of it
  std::chrono::steady_clock::time_point begun{}, deadline{};

  // Empty where it is not there.
  std::string_view header(std::string_view name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string_view() : std::string_view(found->second);
  }
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body{};
  std::vector<std::pair<std::string, std::string>> headers{};  // beside those that any answer has
  MemoryBudget::Charge memory{};                               // of the body, until it is written
  std::function<void()> on_written{};  // when the client has it; not called where it never does
};

HttpResponse json_error(int status, const std::string& message);
// 503 or 429.
HttpResponse try_later(int status, const std::string& message, double seconds);

enum class Abandoned { kClientGone, kDeadline };

class Exchange {
 public:
  explicit Exchange(HttpRequest request) : request_(std::move(request)) {}
  virtual ~Exchange() = default;

  // Changed by who answers it alone, in one thread at a time.
  HttpRequest& request() { return request_; }
  // Once, from any thread. Where nobody waits any more it is dropped.
  virtual void respond(HttpResponse response) = 0;
  // In place of the deadline that it has.
  virtual void expire_at(std::chrono::steady_clock::time_point deadline) = 0;

  // Called when nobody waits for the answer any more, from any thread, or at once where that is
  // so already. One at a time; empty: nobody is interested.
  void on_abandoned(std::function<void(Abandoned)> action);
  std::optional<Abandoned> abandoned() const;

 protected:
  void abandon(Abandoned why);

 private:
  HttpRequest request_;
  mutable std::mutex mutex_;
  std::optional<Abandoned> abandoned_;
  std::function<void(Abandoned)> action_;
};

// Answers requests.
class Handler {
 public:
  virtual ~Handler() = default;
  // What can be refused before the body is read.
  virtual std::optional<HttpResponse> refuse(const HttpRequest& head) = 0;
  virtual void handle(const std::shared_ptr<Exchange>& exchange) = 0;
};

}  // namespace braid::serve
