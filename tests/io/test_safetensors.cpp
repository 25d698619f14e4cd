// The safetensors format: the round trip, and every check of the reference implementation.
#include "braid/io/safetensors.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <unistd.h>

#include <cstring>

#include "braid/core/error.h"
#include "braid/io/atomic_file.h"

namespace braid::io {
namespace {

namespace fs = std::filesystem;

std::vector<uint8_t> file_of(const std::string& header, size_t data_bytes) {
  std::vector<uint8_t> bytes(8 + header.size() + data_bytes, 7);
  const uint64_t size = header.size();
  std::memcpy(bytes.data(), &size, 8);
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  return bytes;
}

void refuses(const std::string& header, size_t data_bytes, const std::string& why) {
  EXPECT_THROW(SafetensorsFile::parse(file_of(header, data_bytes), "x.safetensors"), DataError)
      << why;
}

fs::path temporary(const std::string& name) {
  return fs::temp_directory_path() / ("braid_" + name + "_" + std::to_string(::getpid()));
}

const std::string kGood =
    R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[3],"data_offsets":[8,11]}})";

TEST(Safetensors, ReadsAFile) {
  const auto file = SafetensorsFile::parse(file_of(kGood, 11), "x");
  ASSERT_EQ(file.tensors().size(), 2u);
  EXPECT_EQ(file.at("a").shape, (std::vector<int64_t>{2}));
  EXPECT_EQ(file.bytes("b"), std::vector<std::byte>(3, std::byte{7}));
  EXPECT_THROW(file.at("c"), DataError);
}

TEST(Safetensors, RefusesWhatTheReferenceRefuses) {
  refuses(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 9,
          "bytes after the last tensor");
  refuses(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 7, "too few bytes");
  refuses(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8,
          "shape and offsets disagree");
  refuses(
      R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})",
      6, "overlap");
  refuses(
      R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[4,6]}})",
      6, "hole");
  refuses(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[2,0]}})", 2, "end before begin");
  refuses(R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,2]}})", 2, "negative size");
  refuses(
      R"({"a":{"dtype":"F64","shape":[4611686018427387904,4611686018427387904],"data_offsets":[0,8]}})",
      8, "overflow");
  refuses(R"({"a":{"dtype":"Q7","shape":[2],"data_offsets":[0,2]}})", 2, "unknown dtype");
  refuses(
      R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
      2, "duplicate key");
  refuses(R"({"a":{"dtype":"U8","shape":[1]}})", 1, "no offsets");
  refuses(R"({"a":[1,2]})", 0, "no object");
  refuses(R"([])", 0, "header is no object");
  refuses(R"({"a":)", 0, "broken JSON");
  refuses(R"({"a":{"dtype":"U8","shape":[2E8869],"data_offsets":[0,1]}})", 1, "no double");
  refuses(R"({"a":)" + std::string(100'000, '['), 0, "endless nesting");
  refuses("", 0, "empty header");
  auto bytes = file_of(kGood, 11);
  const uint64_t huge = UINT64_MAX - 4;
  std::memcpy(bytes.data(), &huge, 8);
  EXPECT_THROW(SafetensorsFile::parse(bytes, "x"), DataError) << "header longer than the file";
}

TEST(Safetensors, CutAtAnyByte) {
  const auto whole = file_of(kGood, 11);
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_THROW(
        SafetensorsFile::parse({whole.begin(), whole.begin() + static_cast<long>(size)}, "x"),
        DataError)
        << "cut at " << size;
}

TEST(Safetensors, AnyFlippedByteIsAnErrorOrAFile) {
  EXPECT_TRUE(rc::check("no flipped byte crashes the parser", [] {
    auto bytes = file_of(kGood, 11);
    bytes[*rc::gen::inRange<size_t>(0, bytes.size())] = *rc::gen::arbitrary<uint8_t>();
    try {
      SafetensorsFile::parse(bytes, "x");
    } catch (const DataError&) {
    }
  }));
}

TEST(Safetensors, WritesWhatItReads) {
  const auto path = temporary("st");
  EXPECT_TRUE(rc::check("round trip", [&] {
    std::map<std::string, std::vector<uint8_t>> data;
    std::map<std::string, TensorView> tensors;
    const int number = *rc::gen::inRange(0, 6);
    for (int i = 0; i < number; ++i) {
      const std::string name =
          "t" + std::to_string(i) + *rc::gen::element<std::string>("", ".w", "\"", "\n", "é");
      const std::string dtype =
          *rc::gen::element<std::string>("F64", "F32", "F16", "BF16", "I64", "U8", "BOOL");
      const auto count = *rc::gen::inRange<int64_t>(0, 9);
      data[name].assign(static_cast<size_t>(count) * dtype_size(dtype), static_cast<uint8_t>(i));
      tensors[name] = {dtype, {count}, std::as_bytes(std::span<const uint8_t>(data[name]))};
    }
    write_safetensors(path, tensors, {{"format", "pt"}});
    const auto file = SafetensorsFile::read(path);
    RC_ASSERT(file.metadata().at("format") == "pt");
    RC_ASSERT(file.tensors().size() == tensors.size());
    for (const auto& [name, view] : tensors) {
      RC_ASSERT(file.at(name).dtype == view.dtype);
      RC_ASSERT(file.at(name).shape == view.shape);
      const auto bytes = file.bytes(name);
      RC_ASSERT(std::equal(view.data.begin(), view.data.end(), bytes.begin(), bytes.end()));
    }
  }));
  fs::remove(path);
}

// Another program writes over the file while its tensors are being read.
TEST(Safetensors, AFileThatShrinksIsAnError) {
  const auto path = temporary("shrinks");
  const auto whole = file_of(kGood, 11);
  write_file_atomic(path, std::string(whole.begin(), whole.end()));
  const auto file = SafetensorsFile::read(path);
  EXPECT_EQ(file.bytes("b").size(), 3u);
  fs::resize_file(path, whole.size() - 2);
  EXPECT_EQ(file.bytes("a").size(), 8u);
  try {
    file.bytes("b");
    FAIL() << "no error";
  } catch (const IoError& e) {
    EXPECT_NE(std::string(e.what()).find(path.filename().string()), std::string::npos) << e.what();
  }
  fs::remove(path);
  EXPECT_THROW(SafetensorsFile::read(fs::temp_directory_path()), IoError) << "a folder";
}

TEST(WeightFiles, PicklesAreRefusedWithARemedy) {
  const auto path = temporary("pickle").replace_extension(".pth");
  write_file_atomic(path, "PK");
  try {
    find_weight_files(path);
    FAIL() << "no error";
  } catch (const DataError& e) {
    EXPECT_NE(std::string(e.what()).find("safetensors"), std::string::npos) << e.what();
  }
  fs::remove(path);
}

}  // namespace
}  // namespace braid::io
