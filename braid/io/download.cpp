#include "braid/io/download.h"

#include <fmt/format.h>

#include "braid/core/error.h"
#include "braid/io/http.h"

namespace braid::io {

std::vector<uint8_t> download(const std::string& url, uint64_t max_bytes, Progress& progress) {
  std::vector<uint8_t> bytes;
  const auto receive = [&](const HttpAnswer&, std::span<const uint8_t> data) {
    if (bytes.size() + data.size() > max_bytes) return false;
    bytes.insert(bytes.end(), data.begin(), data.end());
    progress.update(static_cast<int64_t>(bytes.size()),
                    fmt::format("{:.1f} MB", static_cast<double>(bytes.size()) / 1e6));
    return true;
  };
  progress.begin("download", 0);
  const auto answer = http_request({.url = url, .follow = true, .files = true, .receive = receive});
  progress.end();
  switch (answer.end) {
    case HttpAnswer::End::kStopped:
      throw IoError("download", fmt::format("expected at most {} bytes, got more", max_bytes), url);
    case HttpAnswer::End::kFailed:
      throw IoError("download", answer.reason, url);
    case HttpAnswer::End::kCut:
      throw TryAgainError("download", answer.reason, url,
                          "check the network and run the command again");
    case HttpAnswer::End::kWhole:
      break;
  }
  if (!answer.is_success())
    throw IoError("download", fmt::format("the server answered {}", answer.status), url);
  return bytes;
}

}  // namespace braid::io
