#include "braid/io/download.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <memory>

#include "braid/core/error.h"

namespace braid::io {
namespace {

constexpr long kConnectSeconds = 20;
constexpr long kStallSeconds = 30;  // without a kilobyte a second: given up

struct Transfer {
  std::vector<uint8_t> bytes;
  uint64_t max_bytes;
  Progress& progress;
};

size_t receive(char* data, size_t, size_t size, void* target) {
  auto& transfer = *static_cast<Transfer*>(target);
  if (transfer.bytes.size() + size > transfer.max_bytes) return 0;  // libcurl ends with an error
  transfer.bytes.insert(transfer.bytes.end(), data, data + size);
  return size;
}

int report(void* target, curl_off_t, curl_off_t done, curl_off_t, curl_off_t) {
  static_cast<Transfer*>(target)->progress.update(
      done, fmt::format("{:.1f} MB", static_cast<double>(done) / 1e6));
  return 0;
}

}  // namespace

std::vector<uint8_t> download(const std::string& url, uint64_t max_bytes, Progress& progress) {
  static const bool initialized = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(
      initialized ? curl_easy_init() : nullptr, curl_easy_cleanup);
  if (!curl) throw InternalError("download", "libcurl did not start");
  Transfer transfer{{}, max_bytes, progress};
  CURL* c = curl.get();
  curl_easy_setopt(c, CURLOPT_URL, url.c_str());
  curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https,file");
  curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(c, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1024L);
  curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, kStallSeconds);
  curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, receive);
  curl_easy_setopt(c, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, report);
  curl_easy_setopt(c, CURLOPT_XFERINFODATA, &transfer);
  progress.begin("download", 0);
  const CURLcode code = curl_easy_perform(c);
  progress.end();
  if (code == CURLE_OK) return std::move(transfer.bytes);
  if (code == CURLE_WRITE_ERROR)
    throw IoError("download", fmt::format("expected at most {} bytes, got more", max_bytes), url);
  if (code == CURLE_HTTP_RETURNED_ERROR) {
    long status = 0;
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    throw IoError("download", fmt::format("the server answered {}", status), url);
  }
  if (code == CURLE_FILE_COULDNT_READ_FILE || code == CURLE_URL_MALFORMAT ||
      code == CURLE_UNSUPPORTED_PROTOCOL)
    throw IoError("download", curl_easy_strerror(code), url);
  throw TryAgainError("download", curl_easy_strerror(code), url,
                      "check the network and run the command again");
}

}  // namespace braid::io
