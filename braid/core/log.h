// Log lines on standard error through spdlog, whose header stays out of braid's public ones.
#pragma once
#include <string>

namespace braid::log {

// The level comes from BRAID_LOG: debug, info, warn (the default), error, off.
void debug(const std::string& text);
void info(const std::string& text);
void warn(const std::string& text);

}  // namespace braid::log
