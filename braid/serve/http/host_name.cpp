#include "braid/serve/http/host_name.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cctype>
#include <charconv>

namespace braid::serve {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_address(int family, std::string_view text) {
  in6_addr address{};  // the larger one
  return ::inet_pton(family, std::string(text).c_str(), &address) == 1;
}

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port >= 1 && port <= 65535;
}

// Between dots. Underscores are no host name's, but containers are called so.
bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), [](char c) {
           return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                  c == '_';
         });
}

bool is_name(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.size() > 253) return false;
  if (std::all_of(name.begin(), name.end(), [](char c) { return is_digit(c) || c == '.'; }))
    return is_address(AF_INET, name);
  for (size_t begin = 0;;) {
    const size_t dot = name.find('.', begin);
    if (!is_label(name.substr(begin, dot - begin))) return false;
    if (dot == std::string_view::npos) return true;
    begin = dot + 1;
  }
}

}  // namespace

bool is_host(std::string_view host) {
  if (host.starts_with('[')) {
    const size_t end = host.find(']');
    if (end == std::string_view::npos || !is_address(AF_INET6, host.substr(1, end - 1)))
      return false;
    const auto rest = host.substr(end + 1);
    return rest.empty() || (rest.starts_with(':') && is_port(rest.substr(1)));
  }
  const size_t colon = host.find(':');
  if (colon == std::string_view::npos) return is_name(host);
  if (host.find(':', colon + 1) != std::string_view::npos) return is_address(AF_INET6, host);
  return is_name(host.substr(0, colon)) && is_port(host.substr(colon + 1));
}

std::string host_name(std::string_view host) {
  if (host.starts_with('[')) {
    host = host.substr(1, host.find(']') - 1);
  } else if (const auto colon = host.find(':'); colon == host.rfind(':')) {  // else IPv6's
    host = host.substr(0, colon);
  }
  if (host.ends_with('.')) host.remove_suffix(1);
  std::string name(host);
  for (auto& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name;
}

bool is_loopback(const std::string& name) {
  in_addr version_4{};
  if (::inet_pton(AF_INET, name.c_str(), &version_4) == 1)
    return ntohl(version_4.s_addr) >> 24 == IN_LOOPBACKNET;
  in6_addr version_6{};
  if (::inet_pton(AF_INET6, name.c_str(), &version_6) == 1)
    return IN6_IS_ADDR_LOOPBACK(&version_6) != 0;
  return name == "localhost";
}

}  // namespace braid::serve
