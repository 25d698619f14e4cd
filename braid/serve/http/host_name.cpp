#include "braid/serve/http/host_name.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cctype>

namespace braid::serve {

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
