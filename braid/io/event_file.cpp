#include "braid/io/event_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <protozero/pbf_writer.hpp>
#include <system_error>

#include "braid/core/error.h"

namespace braid::io {
namespace {

// Field numbers of tensorflow/core/util/event.proto and framework/summary.proto.
enum Event { kWallTime = 1, kStep = 2, kFileVersion = 3, kSummary = 5 };
enum Summary { kValue = 1 };
enum Value { kTag = 1, kSimpleValue = 2 };

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string little_endian(uint64_t value, size_t bytes) {
  std::string text(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>(value >> (8 * i) & 0xff);
  return text;
}

std::string masked_crc(const std::string& data) {
  const uint32_t crc = crc32c(data.data(), data.size());
  return little_endian(((crc >> 15) | (crc << 17)) + 0xa282ead8u, 4);
}

}  // namespace

uint32_t crc32c(const void* data, size_t size) {
  static const auto table = [] {
    std::array<uint32_t, 256> t{};
    for (uint32_t i = 0; i < 256; ++i) {
      t[i] = i;
      for (int bit = 0; bit < 8; ++bit) t[i] = t[i] >> 1 ^ (t[i] & 1 ? 0x82f63b78u : 0);
    }
    return t;
  }();
  uint32_t crc = ~0u;
  for (const auto* p = static_cast<const uint8_t*>(data); size-- > 0; ++p)
    crc = table[(crc ^ *p) & 0xff] ^ crc >> 8;
  return ~crc;
}

EventFile::EventFile(const std::filesystem::path& folder) {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  file_ = folder / fmt::format("events.out.tfevents.{:010}.{}.{}", static_cast<int64_t>(now()),
                               host.data(), getpid());
  out_.open(file_, std::ios::binary | std::ios::app);
  std::string event;
  protozero::pbf_writer writer(event);
  writer.add_double(kWallTime, now());
  writer.add_string(kFileVersion, "brain.Event:2");
  record(event);
}

void EventFile::scalar(const std::string& tag, int64_t step, double value) {
  std::string event;
  protozero::pbf_writer writer(event);
  writer.add_double(kWallTime, now());
  writer.add_int64(kStep, step);
  {
    protozero::pbf_writer summary(writer, kSummary);
    protozero::pbf_writer point(summary, kValue);
    point.add_string(kTag, tag);
    point.add_float(kSimpleValue, static_cast<float>(value));
  }
  record(event);
}

void EventFile::record(const std::string& event) {
  const std::string length = little_endian(event.size(), 8);
  out_ << length << masked_crc(length) << event << masked_crc(event) << std::flush;
  if (!out_)
    throw IoError("events", fmt::format("cannot write: {}", std::generic_category().message(errno)),
                  file_.string());
}

}  // namespace braid::io
