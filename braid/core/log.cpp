#include "braid/core/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>

namespace braid::log {
namespace {
spdlog::logger& logger() {
  static const auto instance = [] {
    auto made = spdlog::stderr_color_mt("braid");
    made->set_pattern("%^%l%$: %v");
    const char* level = std::getenv("BRAID_LOG");
    made->set_level(level == nullptr ? spdlog::level::warn : spdlog::level::from_str(level));
    return made;
  }();
  return *instance;
}
}  // namespace

void debug(const std::string& text) { logger().debug(text); }
void info(const std::string& text) { logger().info(text); }
void warn(const std::string& text) { logger().warn(text); }

}  // namespace braid::log
