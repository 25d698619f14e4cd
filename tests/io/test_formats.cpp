// IDX, CIFAR, gzip, images, checksums, downloads and event files: good ones, and every way to be
// bad.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <cstring>

#include "braid/core/error.h"
#include "braid/core/progress.h"
#include "braid/io/atomic_file.h"
#include "braid/io/cifar.h"
#include "braid/io/digest.h"
#include "braid/io/download.h"
#include "braid/io/event_file.h"
#include "braid/io/gzip.h"
#include "braid/io/idx.h"
#include "braid/io/image.h"
#include "braid/io/int4.h"

namespace braid::io {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using Bytes = std::vector<uint8_t>;

Bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

Bytes idx(const std::vector<uint32_t>& shape, size_t values, uint8_t type = 8, uint8_t magic = 0) {
  Bytes bytes = {magic, 0, type, static_cast<uint8_t>(shape.size())};
  for (const uint32_t n : shape)
    for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<uint8_t>(n >> shift));
  bytes.resize(bytes.size() + values, 9);
  return bytes;
}

TEST(Idx, ReadsAndRefuses) {
  const auto good = idx({2, 3, 4}, 24);
  const auto array = parse_idx(good.data(), good.size(), "x");
  EXPECT_EQ(array.shape, (std::vector<int64_t>{2, 3, 4}));
  EXPECT_EQ(array.values.size(), 24u);
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_THROW(parse_idx(good.data(), size, "x"), DataError) << size;
  for (const auto& bad : {idx({2, 3, 4}, 25), idx({2, 3, 4}, 24, 13), idx({2, 3, 4}, 24, 8, 1),
                          idx({}, 0), idx({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, 8)})
    EXPECT_THROW(parse_idx(bad.data(), bad.size(), "x"), DataError);
  EXPECT_THROW(read_idx("/nowhere/images"), IoError);
}

TEST(Int4, TwoNumbersInAByteTheFirstInTheLowerHalf) {
  EXPECT_EQ(bytes_of(pack_int4(std::vector<int8_t>{1, -1, -8, 7, 3})), (Bytes{0xf1, 0x78, 0x03}));
  EXPECT_EQ(pack_int4({}), "");
  for (size_t count = 0; count <= 33; ++count) {
    std::vector<int8_t> numbers(count), read(count, 99);
    for (size_t i = 0; i < count; ++i)
      numbers[i] = static_cast<int8_t>(static_cast<int>(i * 7 % 16) - 8);
    const auto bytes = bytes_of(pack_int4(numbers));
    EXPECT_EQ(bytes.size(), int4_bytes(count));
    unpack_int4(bytes, read);
    EXPECT_EQ(read, numbers);
  }
}

TEST(Int4, RefusesWhatDoesNotFit) {
  EXPECT_THROW(pack_int4(std::vector<int8_t>{0, 8}), InternalError);
  EXPECT_THROW(pack_int4(std::vector<int8_t>{-9}), InternalError);
  std::vector<int8_t> three(3);
  EXPECT_THROW(unpack_int4(Bytes(1), three), InternalError);
  EXPECT_THROW(unpack_int4(Bytes(3), three), InternalError);
  unpack_int4(Bytes{0x21, 0xf3}, three);
  EXPECT_EQ(three, (std::vector<int8_t>{1, 2, 3})) << "what is left over is not looked at";
}

TEST(Cifar, ReadsAndRefuses) {
  Bytes bytes(2 * 3073, 5);
  bytes[0] = 9;
  bytes[3073] = 0;
  bytes[1] = 1, bytes[1 + 1024] = 2, bytes[1 + 2048] = 3;  // planes become interleaved pixels
  const auto records = parse_cifar(bytes.data(), bytes.size(), 10, "x");
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].label, 9);
  EXPECT_EQ(records[0].image.pixels[0], 1);
  EXPECT_EQ(records[0].image.pixels[1], 2);
  EXPECT_EQ(records[0].image.pixels[2], 3);
  EXPECT_THROW(parse_cifar(bytes.data(), bytes.size() - 1, 10, "x"), DataError);
  bytes[0] = 10;
  EXPECT_THROW(parse_cifar(bytes.data(), bytes.size(), 10, "x"), DataError);
  Bytes fine(3074, 1);
  fine[1] = 99;
  EXPECT_EQ(parse_cifar(fine.data(), fine.size(), 100, "x")[0].label, 99);
}

Bytes gzip(const Bytes& bytes) {
  z_stream z{};
  deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  Bytes out(deflateBound(&z, bytes.size()) + 32);
  z.next_in = const_cast<uint8_t*>(bytes.data());
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = out.data();
  z.avail_out = static_cast<uInt>(out.size());
  deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

TEST(Gzip, InflatesAndRefuses) {
  const Bytes text = bytes_of(std::string(5000, 'a') + "end");
  const auto packed = gzip(text);
  EXPECT_TRUE(is_gzip(packed));
  EXPECT_FALSE(is_gzip(text));
  EXPECT_EQ(gunzip(packed, 1 << 20, "x"), text);
  EXPECT_THROW(gunzip(packed, 100, "x"), DataError) << "a bomb";
  for (size_t size = 2; size < packed.size(); ++size)
    EXPECT_THROW(gunzip({packed.begin(), packed.begin() + static_cast<long>(size)}, 1 << 20, "x"),
                 DataError)
        << size;
}

Image gradient(int64_t channels) {
  Image image{.height = 9, .width = 7, .channels = channels, .pixels = {}};
  for (int64_t i = 0; i < 9 * 7 * channels; ++i)
    image.pixels.push_back(static_cast<uint8_t>(i * 5 % 256));
  return image;
}

TEST(Images, PngRoundTripIsLossless) {
  for (const int64_t channels : {1, 3}) {
    const auto png = encode_png(gradient(channels));
    const auto image = decode_image(png.data(), png.size(), "x.png");
    EXPECT_EQ(image.pixels, gradient(channels).pixels);
    EXPECT_EQ(image.channels, channels);
    EXPECT_EQ(image.height, 9);
    EXPECT_EQ(image.width, 7);
  }
}

TEST(Images, CutOrFlippedAnywhereIsAnErrorNamingTheFile) {
  const auto png = encode_png(gradient(3));
  for (size_t size = 0; size < png.size(); ++size) {
    try {
      decode_image(png.data(), size, "cut.png");
      EXPECT_GE(size, png.size() - 24) << "only checksums and the end mark may be missing";
    } catch (const DataError& e) {
      EXPECT_THAT(e.what(), HasSubstr("cut.png"));
    }
    auto flipped = png;
    if (size < flipped.size()) flipped[size] ^= 0x5a;
    try {
      decode_image(flipped.data(), flipped.size(), "flip.png");
    } catch (const DataError& e) {
      EXPECT_THAT(e.what(), HasSubstr("flip.png"));
    }
  }
  for (const auto& junk : {bytes_of(""), bytes_of("GIF89a"), bytes_of("\xff\xd8\xff\xe0junk")})
    EXPECT_THROW(decode_image(junk.data(), junk.size(), "junk"), DataError);
}

TEST(Images, BombsAreRefusedByTheirHeader) {
  auto png = encode_png(gradient(1));
  const uint32_t side = 60000;
  for (const size_t at : {16u, 20u})
    for (int k = 0; k < 4; ++k)
      png[at + static_cast<size_t>(k)] = static_cast<uint8_t>(side >> (24 - 8 * k));
  const uint32_t crc =
      static_cast<uint32_t>(crc32(0, png.data() + 12, 17));  // IHDR and its 13 bytes
  for (int k = 0; k < 4; ++k)
    png[29 + static_cast<size_t>(k)] = static_cast<uint8_t>(crc >> (24 - 8 * k));
  try {
    decode_image(png.data(), png.size(), "bomb.png");
    FAIL() << "no error";
  } catch (const DataError& e) {
    EXPECT_THAT(e.what(), HasSubstr("60000"));
  }
}

TEST(Images, ConvertsChannelsAsPilDoes) {
  Image rgb{.height = 1, .width = 2, .channels = 3, .pixels = {255, 0, 0, 10, 200, 30}};
  EXPECT_EQ(convert_channels(rgb, 1).pixels, (Bytes{76, 124}));  // PIL.Image.convert("L")
  EXPECT_EQ(convert_channels(convert_channels(rgb, 1), 3).pixels,
            (Bytes{76, 76, 76, 124, 124, 124}));
}

TEST(Digest, KnownVectors) {
  EXPECT_EQ(sha256(bytes_of("")),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256(bytes_of("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Download, FilesAndErrors) {
  const auto path = fs::temp_directory_path() / ("braid_download_" + std::to_string(::getpid()));
  write_file_atomic(path, "content");
  Progress silent;
  const std::string url = "file://" + path.string();
  EXPECT_EQ(download(url, 100, silent), bytes_of("content"));
  EXPECT_THROW(download(url, 3, silent), IoError);
  EXPECT_THROW(download(url + "x", 100, silent), IoError);
  EXPECT_THROW(download("gopher://x", 100, silent), IoError);
  EXPECT_THROW(download("http://127.0.0.1:9/x", 100, silent), TryAgainError);
  fs::remove(path);
}

TEST(EventFile, ChecksumsAndFraming) {
  EXPECT_EQ(crc32c("123456789", 9), 0xe3069283u);  // RFC 3720, B.4
  const auto folder = fs::temp_directory_path() / ("braid_events_" + std::to_string(::getpid()));
  fs::create_directories(folder);
  {
    EventFile events(folder);
    events.scalar("loss", 3, 0.5);
  }
  const auto bytes = read_file(fs::directory_iterator(folder)->path());
  fs::remove_all(folder);
  size_t at = 0, records = 0;
  while (at < bytes.size()) {
    uint64_t length = 0;
    std::memcpy(&length, bytes.data() + at, 8);
    ASSERT_LE(at + 16 + length, bytes.size());
    const auto masked = [](uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8u; };
    uint32_t of_length = 0, of_data = 0;
    std::memcpy(&of_length, bytes.data() + at + 8, 4);
    std::memcpy(&of_data, bytes.data() + at + 12 + length, 4);
    EXPECT_EQ(of_length, masked(crc32c(bytes.data() + at, 8)));
    EXPECT_EQ(of_data, masked(crc32c(bytes.data() + at + 12, length)));
    at += 16 + length;
    ++records;
  }
  EXPECT_EQ(records, 2u);  // the version, and the point
}

}  // namespace
}  // namespace braid::io
