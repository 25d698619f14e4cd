// Who a request says that it is for.
#pragma once
#include <string>
#include <string_view>

namespace braid::serve {

// The name in a Host header or behind --host: without a port, an address's brackets and a last dot,
// in lower case. "LocalHost:8000" -> "localhost", "[::1]:8000" and "::1" -> "::1"
std::string host_name(std::string_view host);
// Whether somebody may be called so in a Host header: a name ("models.example", in the letters of
// DNS), an IPv4 or IPv6 address, each with a port or without. No scheme, no path, no blanks, no
// pattern.
bool is_host(std::string_view host);
// Whether such a name means this machine wherever it is looked up: localhost, 127.0.0.0/8, ::1.
bool is_loopback(const std::string& name);

}  // namespace braid::serve
