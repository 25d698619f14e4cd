#include "braid/serve/http/exchange.h"

#include <algorithm>
#include <cmath>

#include "braid/core/json.h"

namespace braid::serve {

HttpResponse json_error(int status, const std::string& message) {
  Json json;
  json["error"] = message;
  return {.status = status, .body = dump_json(json)};
}

HttpResponse try_later(int status, const std::string& message, double seconds) {
  constexpr double kLeast = 1, kMost = 60;
  auto response = json_error(status, message);
  const auto wait = static_cast<int64_t>(std::ceil(std::clamp(seconds, kLeast, kMost)));
  response.headers.emplace_back("Retry-After", std::to_string(wait));
  return response;
}

void Exchange::on_abandoned(std::function<void(Abandoned)> action) {
  std::function<void(Abandoned)> old = std::move(action);
  std::optional<Abandoned> already;
  {
    const std::lock_guard lock(mutex_);
    already = abandoned_;
    if (!already) old.swap(action_);
  }
  if (already && old) old(*already);
}

std::optional<Abandoned> Exchange::abandoned() const {
  const std::lock_guard lock(mutex_);
  return abandoned_;
}

void Exchange::abandon(Abandoned why) {
  std::function<void(Abandoned)> action;
  {
    const std::lock_guard lock(mutex_);
    if (abandoned_) return;
    abandoned_ = why;
    action.swap(action_);
  }
  if (action) action(why);
}

}  // namespace braid::serve
