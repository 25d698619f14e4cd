// Requests to servers: the one place that knows libcurl.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace braid::io {

struct HttpAnswer {
  enum class End {
    kWhole,    // the server has said everything
    kCut,      // no connection, or it broke off: another try may help
    kFailed,   // another try does not help: the address, a certificate, a file that is not there
    kStopped,  // by the receiver of the body
  };
  End end = End::kFailed;
  std::string reason = {};                          // in words, of kCut and kFailed
  long status = 0;                                  // 0: none came, or the address is a file's
  std::map<std::string, std::string> headers = {};  // of the last answer, names in lower case

  // Empty where the header is missing.
  std::string header(const std::string& name) const;
  bool is_success() const { return status == 0 || (status >= 200 && status < 300); }
  bool is_redirect() const { return status >= 300 && status < 400 && headers.contains("location"); }
};

struct HttpRequest {
  std::string url = {};
  bool head = false;                      // ask for the headers alone
  bool follow = false;                    // follow redirects; else they are the answer
  bool files = false;                     // file:// addresses too
  long connect_seconds = 20;              // to be connected
  long stall_seconds = 30;                // without a kilobyte a second: given up
  std::vector<std::string> headers = {};  // "Name: value"
  // Gets the body of a success piece by piece, beside status and headers; false stops the transfer.
  std::function<bool(const HttpAnswer&, std::span<const uint8_t>)> receive = {};
};

// Encryption is verified; proxies are those of the environment. What receive throws is passed on.
HttpAnswer http_request(const HttpRequest& request);

// Takes one line of an answer's head: a status line starts a new set of headers, what is no header
// is passed over.
void add_header_line(std::string_view line, std::map<std::string, std::string>& headers);

// The address that target, absolute or relative, means on the page base; empty where it is no http
// or https address.
std::string resolve_url(const std::string& base, const std::string& target);
// scheme://host:port in lower case; empty where it is no http or https address.
std::string url_origin(const std::string& url);
// For one segment of a path: everything but letters, digits and -._~ as %XX.
std::string percent_encode(std::string_view text);

}  // namespace braid::io
