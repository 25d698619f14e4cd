#include "braid/io/http.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <memory>

#include "braid/core/error.h"
#include "braid/core/version.h"

namespace braid::io {
namespace {

constexpr size_t kMaxHead = 256 << 10;   // bytes of status and headers
constexpr size_t kMaxIgnored = 1 << 20;  // bytes of a page that explains an error

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) { return lower(c); });
  return text;
}

std::string_view trim(std::string_view text) {
  constexpr const char* kSpace = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// What libcurl's callbacks share. They are called through C, so an exception waits here.
struct Transfer {
  const HttpRequest& request;
  HttpAnswer answer = {};
  CURL* curl = nullptr;
  size_t head_bytes = 0, ignored_bytes = 0;
  bool stopped = false;
  std::exception_ptr error = {};
};

size_t on_header(char* data, size_t, size_t size, void* target) {
  auto& transfer = *static_cast<Transfer*>(target);
  try {
    transfer.head_bytes += size;
    if (transfer.head_bytes > kMaxHead) return 0;
    add_header_line({data, size}, transfer.answer.headers);
    return size;
  } catch (...) {
    transfer.error = std::current_exception();
    return 0;
  }
}

size_t on_body(char* data, size_t, size_t size, void* target) {
  auto& transfer = *static_cast<Transfer*>(target);
  try {
    curl_easy_getinfo(transfer.curl, CURLINFO_RESPONSE_CODE, &transfer.answer.status);
    if (!transfer.answer.is_success() || !transfer.request.receive) {
      transfer.ignored_bytes += size;
      return transfer.ignored_bytes > kMaxIgnored ? 0 : size;
    }
    if (transfer.request.receive(transfer.answer, {reinterpret_cast<const uint8_t*>(data), size}))
      return size;
    transfer.stopped = true;
  } catch (...) {
    transfer.error = std::current_exception();
  }
  return 0;
}

bool is_final(CURLcode code) {
  switch (code) {
    case CURLE_FILE_COULDNT_READ_FILE:
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_TOO_MANY_REDIRECTS:
      return true;
    default:
      return false;
  }
}

void judge(CURLcode code, Transfer& transfer) {
  auto& answer = transfer.answer;
  curl_easy_getinfo(transfer.curl, CURLINFO_RESPONSE_CODE, &answer.status);
  if (transfer.stopped) {
    answer.end = HttpAnswer::End::kStopped;
  } else if (transfer.head_bytes > kMaxHead) {
    answer.end = HttpAnswer::End::kFailed;
    answer.reason = fmt::format("the answer's headers are longer than {} bytes", kMaxHead);
  } else if (code == CURLE_OK || transfer.ignored_bytes > kMaxIgnored) {
    answer.end = HttpAnswer::End::kWhole;
  } else {
    answer.end = is_final(code) ? HttpAnswer::End::kFailed : HttpAnswer::End::kCut;
    answer.reason = curl_easy_strerror(code);
  }
}

using UrlPtr = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

std::string url_part(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return "";
  const std::unique_ptr<char, decltype(&curl_free)> owner(text, curl_free);
  return text;
}

bool is_web(CURLU* url) {
  const std::string scheme = url_part(url, CURLUPART_SCHEME);
  return scheme == "http" || scheme == "https";
}

}  // namespace

std::string HttpAnswer::header(const std::string& name) const {
  const auto it = headers.find(name);
  return it == headers.end() ? std::string() : it->second;
}

void add_header_line(std::string_view line, std::map<std::string, std::string>& headers) {
  if (line.starts_with("HTTP/")) {
    headers.clear();
    return;
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  headers[lower(std::string(trim(line.substr(0, colon))))] = trim(line.substr(colon + 1));
}

HttpAnswer http_request(const HttpRequest& request) {
  static const bool initialized = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(
      initialized ? curl_easy_init() : nullptr, curl_easy_cleanup);
  if (!curl) throw InternalError("http", "libcurl did not start");
  CURL* c = curl.get();
  Transfer transfer{.request = request, .curl = c};
  curl_slist* list = nullptr;
  for (const auto& header : request.headers) list = curl_slist_append(list, header.c_str());
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(list,
                                                                            curl_slist_free_all);
  curl_easy_setopt(c, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, request.files ? "http,https,file" : "http,https");
  curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, request.follow ? 1L : 0L);
  curl_easy_setopt(c, CURLOPT_MAXREDIRS, 20L);
  curl_easy_setopt(c, CURLOPT_NOBODY, request.head ? 1L : 0L);
  curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(c, CURLOPT_USERAGENT, (std::string("braid/") + version()).c_str());
  curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, request.connect_seconds);
  curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1024L);
  curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, request.stall_seconds);
  curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(c, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(c, CURLOPT_WRITEDATA, &transfer);
  const CURLcode code = curl_easy_perform(c);
  if (transfer.error) std::rethrow_exception(transfer.error);
  judge(code, transfer);
  return std::move(transfer.answer);
}

std::string resolve_url(const std::string& base, const std::string& target) {
  const UrlPtr url(curl_url(), curl_url_cleanup);
  if (!url || curl_url_set(url.get(), CURLUPART_URL, base.c_str(), 0) != CURLUE_OK ||
      curl_url_set(url.get(), CURLUPART_URL, target.c_str(), CURLU_URLENCODE) != CURLUE_OK)
    return "";
  return is_web(url.get()) ? url_part(url.get(), CURLUPART_URL) : "";
}

std::string url_origin(const std::string& text) {
  const UrlPtr url(curl_url(), curl_url_cleanup);
  if (!url || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK ||
      !is_web(url.get()))
    return "";
  return lower(url_part(url.get(), CURLUPART_SCHEME) + "://" +
               url_part(url.get(), CURLUPART_HOST)) +
         ":" + url_part(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
}

std::string percent_encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_' || c == '~';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace braid::io
