// HubClient::fetch: the bytes of a file, resumed where the connection broke off.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "braid/core/error.h"
#include "braid/io/hub_client.h"
#include "braid/io/posix_file.h"

namespace braid::io {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kRenewal = 1 << 20;  // new bytes after which failures are counted anew

uint64_t size_of(const fs::path& file) {
  std::error_code error;
  const auto size = fs::file_size(file, error);
  return error ? 0 : size;
}

// A bar in megabytes.
class Meter {
 public:
  Meter(Progress& progress, const std::string& name, std::optional<uint64_t> size)
      : progress_(progress) {
    progress_.begin(name + " (MB)", size ? static_cast<int64_t>((*size + 999'999) / 1'000'000) : 0);
  }
  ~Meter() { progress_.end(); }
  Meter(const Meter&) = delete;
  Meter& operator=(const Meter&) = delete;
  void show(uint64_t position, size_t received) {
    received_ += received;
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start_;
    progress_.update(static_cast<int64_t>(position / 1'000'000),
                     fmt::format("{:.1f} MB/s", static_cast<double>(received_) / 1e6 /
                                                    std::max(elapsed.count(), 1e-3)));
  }

 private:
  Progress& progress_;
  uint64_t received_ = 0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Where one answer's body goes: after what is there, or over it.
class Sink {
 public:
  Sink(const fs::path& target, uint64_t limit, Meter& meter)
      : target_(target), fd_(target, O_WRONLY | O_CREAT | O_APPEND), limit_(limit), meter_(meter) {
    if (!fd_.ok()) fail_io("write", target, errno);
    begin_ = position_ = size_of(target);
  }

  uint64_t begin() const { return begin_; }
  uint64_t position() const { return position_; }
  bool is_too_long() const { return too_long_; }

  bool receive(const HttpAnswer& answer, std::span<const uint8_t> data) {
    if (!started_ && !start(answer)) return false;
    started_ = true;
    too_long_ = position_ + data.size() > limit_;
    if (too_long_) return false;
    write_bytes(fd_, std::as_bytes(data), target_);
    position_ += data.size();
    meter_.show(position_, data.size());
    return true;
  }

 private:
  // False where a part comes that does not follow what is there.
  bool start(const HttpAnswer& answer) {
    if (answer.status == 206) {
      const auto range = parse_content_range(answer.header("content-range"));
      return range && range->begin == position_;
    }
    if (position_ > 0 && ::ftruncate(fd_.get(), 0) != 0) fail_io("write", target_, errno);
    position_ = 0;  // the server knows no ranges: the whole file comes
    return true;
  }

  const fs::path& target_;
  FileDescriptor fd_;
  uint64_t limit_, begin_ = 0, position_ = 0;
  Meter& meter_;
  bool started_ = false, too_long_ = false;
};

void discard(const fs::path& file) {
  std::error_code error;
  fs::remove(file, error);
}

}  // namespace

void HubClient::fetch(const HubFile& file, const std::string& name, uint64_t max_bytes,
                      const fs::path& target) const {
  if (file.size.value_or(0) > max_bytes)
    throw DataError(
        "hub", fmt::format("expected at most {} bytes, the hub says {}", max_bytes, *file.size),
        where(name), "fetch it with huggingface_hub and give the folder");
  const uint64_t limit = file.size.value_or(max_bytes);
  const std::string path =
      fmt::format("/{}/resolve/{}/{}", spec_.repository, file.commit, percent_encode(name));
  Patience patience(settings_, progress_);
  Meter meter(progress_, name, file.size);
  if (size_of(target) > limit) discard(target);
  uint64_t furthest = size_of(target);
  while (true) {
    Sink sink(target, limit, meter);
    if (file.size && sink.begin() == *file.size) return;
    HttpRequest part{.receive = [&](const HttpAnswer& answer, std::span<const uint8_t> data) {
      return sink.receive(answer, data);
    }};
    if (sink.begin() > 0) part.headers.push_back(fmt::format("Range: bytes={}-", sink.begin()));
    bool at_hub = true;
    const auto answer = request(path, std::move(part), at_hub);
    const bool whole = answer.end == HttpAnswer::End::kWhole;
    if (whole && answer.is_success()) {
      const uint64_t size = size_of(target);
      if (!file.size || size == *file.size) return;
      discard(target);
      throw DataError("hub", fmt::format("expected {} bytes, got {}", *file.size, size),
                      where(name), "run the command again");
    }
    if (sink.is_too_long()) {
      discard(target);
      throw DataError(
          "hub", fmt::format("expected {}{} bytes, got more", file.size ? "" : "at most ", limit),
          where(name), "run the command again");
    }
    const bool wrong_part = answer.end == HttpAnswer::End::kStopped || answer.status == 416;
    if (wrong_part && sink.begin() > 0) {
      discard(target);  // and from the beginning, without a range
      continue;
    }
    if (wrong_part)
      throw IoError("hub", "expected the part that was asked for, got another", where(name),
                    "check HF_ENDPOINT and the proxy");
    if (sink.position() >= furthest + kRenewal) {
      furthest = sink.position();
      patience.renew();
    }
    const auto reply = reply_of(answer, at_hub);
    if (!reply.may_pass() || !patience.wait(reply)) raise(reply, name);
  }
}

}  // namespace braid::io
