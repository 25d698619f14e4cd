// The hub's texts: names of repositories, headers, indices; and what the environment says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "braid/core/error.h"
#include "braid/io/atomic_file.h"
#include "braid/io/http.h"
#include "braid/io/hub_cache.h"
#include "braid/io/hub_format.h"
#include "braid/io/hub_settings.h"
#include "braid/io/safetensors.h"

namespace braid::io {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::vector<uint8_t> octets(const std::string& text) { return {text.begin(), text.end()}; }

TEST(HubSpecs, NamesAndRevisions) {
  const auto parsed = [](const std::string& text) { return parse_hub_spec(text).text(); };
  EXPECT_EQ(parsed("hf-hub:timm/resnet18.a1_in1k"), "timm/resnet18.a1_in1k@main");
  EXPECT_EQ(parsed("hf-hub:gpt2"), "gpt2@main");
  EXPECT_EQ(parsed("hf-hub:o/n@v1.0"), "o/n@v1.0");
  EXPECT_EQ(parsed("hf-hub:o/n@refs/pr/1"), "o/n@refs/pr/1");
  EXPECT_EQ(parsed("hf-hub:o/n@feature/x@y"), "o/n@feature/x@y");
  EXPECT_TRUE(is_hub_spec("hf-hub:o/n"));
  EXPECT_FALSE(is_hub_spec("folder/hf-hub:o/n"));
}

TEST(HubSpecs, HostileNamesAreUsageErrors) {
  for (const std::string name :
       {"",      "/",     "/etc",  "../x",   "o/../x",  "o/..",   "./x",   "o/",   "/n",
        "o//n",  "a/b/c", "o/n/",  "o--x/n", "o/n.git", "-o/n",   "o/n-",  "o/n.", ".o/n",
        "o/n\n", "o\t/n", "o/n m", "o/é",    "o\\n",    "o/n%2e", "o/n?x", "o/n#x"})
    EXPECT_THROW(parse_hub_spec("hf-hub:" + name), UsageError) << name;
  EXPECT_THROW(parse_hub_spec("hf-hub:o/" + std::string(97, 'n')), UsageError);
  EXPECT_THROW(parse_hub_spec(std::string("hf-hub:o/n\0m", 12)), UsageError);
  for (const std::string revision :
       {"",     "..",     "../x",     "x/../y", "/x",   "x/",    "x//y", ".x",
        "x/.y", "x.lock", "x.lock/y", "x y",    "x\ny", "x\x7f", "x~1",  "x^",
        "a:b",  "x?",     "*",        "x[0]",   "x\\y", "x.",    "@",    "x@{1}"})
    EXPECT_THROW(parse_hub_spec("hf-hub:o/n@" + revision), UsageError) << revision;
  EXPECT_THROW(parse_hub_spec("hf-hub:o/n@" + std::string(201, 'x')), UsageError);
  try {
    parse_hub_spec("hf-hub:o/\x1b[2J");
    FAIL() << "no error";
  } catch (const UsageError& e) {
    EXPECT_THAT(e.what(), HasSubstr("\\x1b")) << "the terminal sees no control characters";
  }
}

TEST(HubHeaders, EtagsAsHuggingfaceHubNormalizesThem) {
  EXPECT_EQ(normalize_etag("\"abc\""), "abc");
  EXPECT_EQ(normalize_etag("W/\"abc\""), "abc");
  EXPECT_EQ(normalize_etag("abc"), "abc");
  EXPECT_EQ(normalize_etag(""), "");
  EXPECT_EQ(normalize_etag("\"\""), "");
  EXPECT_EQ(normalize_etag("W/"), "");
  EXPECT_EQ(normalize_etag("\""), "");
}

TEST(HubHeaders, LinkedOnesComeFirst) {
  const auto file = read_hub_headers({{"x-repo-commit", "c1"},
                                      {"etag", "\"page\""},
                                      {"x-linked-etag", "\"blob\""},
                                      {"x-linked-size", "70"},
                                      {"content-length", "9"}},
                                     /*redirected=*/true, "o/n");
  EXPECT_EQ(file.commit, "c1");
  EXPECT_EQ(file.etag, "blob");
  EXPECT_EQ(file.size, 70u);
  EXPECT_EQ(read_hub_headers({{"content-length", "9"}}, false, "").size, 9u);
  EXPECT_FALSE(read_hub_headers({{"content-length", "9"}}, true, "").size);
  EXPECT_FALSE(
      read_hub_headers({{"content-length", "9"}, {"content-encoding", "gzip"}}, false, "").size);
  for (const std::string length : {"-1", "9x", "", " 9", "99999999999999999999", "0x9"})
    EXPECT_FALSE(read_hub_headers({{"content-length", length}}, false, "").size) << length;
  for (const std::string evil : {"../x", "a/b", "..", ".x", "a b", "a\\b", "a\nb"}) {
    EXPECT_THROW(read_hub_headers({{"etag", '"' + evil + '"'}}, false, ""), DataError) << evil;
    EXPECT_THROW(read_hub_headers({{"x-repo-commit", evil}}, false, ""), DataError) << evil;
  }
}

TEST(HubHeaders, LinesOfAHead) {
  HttpHeaders headers;
  for (const char* line : {"HTTP/1.1 302 Found\r\n", "Location: /x\r\n", "HTTP/1.1 200 OK\r\n",
                           "ETag:\t\"a:b\" \r\n", "no header\r\n", "\r\n", "Empty:\r\n"})
    add_header_line(line, headers);
  EXPECT_EQ(headers, (HttpHeaders{{"etag", "\"a:b\""}, {"empty", ""}}));
}

TEST(HubHeaders, RangesAndWaits) {
  const auto range = parse_content_range("bytes 5-9/10");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->begin, 5u);
  EXPECT_EQ(range->total, 10u);
  EXPECT_TRUE(parse_content_range("bytes 5-9/*"));
  for (const char* bad : {"", "bytes", "bytes */10", "bytes -9/10", "bytes 5-/10", "bytes 9-5/10",
                          "bytes 5-10/10", "items 5-9/10", "bytes 5/9-10", "bytes 5-9"})
    EXPECT_FALSE(parse_content_range(bad)) << bad;
  EXPECT_EQ(retry_after({{"retry-after", "7"}}), 7);
  EXPECT_EQ(retry_after({{"ratelimit", "\"api\";r=0;t=55"}}), 55);
  EXPECT_FALSE(retry_after({{"ratelimit", "\"api\";r=10;t=55"}}));
  EXPECT_FALSE(retry_after({{"retry-after", "Wed, 21 Oct 2015 07:28:00 GMT"}}));
  EXPECT_FALSE(retry_after({}));
}

TEST(HubHeaders, Addresses) {
  EXPECT_EQ(resolve_url("https://h/a/b?x", "/c"), "https://h/c");
  EXPECT_EQ(resolve_url("https://h/a/b", "//other/c"), "https://other/c");
  EXPECT_EQ(resolve_url("https://h/a", "http://other/c?s=%2F"), "http://other/c?s=%2F");
  for (const char* bad : {"file:///etc/passwd", "ftp://h/x", "gopher://h", "http://h:99999/"})
    EXPECT_EQ(resolve_url("https://h/a", bad), "") << bad;
  EXPECT_EQ(url_origin("HTTPS://Hub.Example/x"), "https://hub.example:443");
  EXPECT_EQ(url_origin("http://user:word@h:81/x"), "http://h:81");
  EXPECT_EQ(url_origin("file:///x"), "");
  EXPECT_EQ(url_origin("h/x"), "");
  EXPECT_EQ(percent_encode("feature/x y.é-_~"), "feature%2Fx%20y.%C3%A9-_~");
}

TEST(WeightIndex, NamesShardsOrIsRefused) {
  EXPECT_EQ(parse_weight_index(octets(R"({"weight_map":{"a":"m-2.safetensors","b":"m-1.safetensors",
            "c":"m-2.safetensors"}})"),
                               "x"),
            (std::vector<std::string>{"m-1.safetensors", "m-2.safetensors"}));
  for (const std::string shard :
       {"../m.safetensors", "/m.safetensors", "a/m.safetensors", "..", "", ".safetensors", "m.bin",
        "a\\\\m.safetensors", "\\u0000.safetensors", "m\\n.safetensors"})
    EXPECT_THROW(parse_weight_index(octets(R"({"weight_map":{"a":")" + shard + "\"}}"), "x"),
                 DataError)
        << shard;
  for (const char* bad : {"", "[]", "{", "{}", R"({"weight_map":{}})", R"({"weight_map":{"a":1}})",
                          R"({"weight_map":["m.safetensors"]})", "\xff\xfe"})
    EXPECT_THROW(parse_weight_index(octets(bad), "x"), DataError) << bad;
}

TEST(HubCaches, PathsAreHuggingfaceHubs) {
  const HubCache cache("/c", "timm/resnet18.a1_in1k");
  EXPECT_EQ(cache.blob("e"), "/c/models--timm--resnet18.a1_in1k/blobs/e");
  EXPECT_EQ(cache.incomplete("e"), "/c/models--timm--resnet18.a1_in1k/blobs/e.incomplete");
  EXPECT_EQ(cache.lock("e"), "/c/.locks/models--timm--resnet18.a1_in1k/e.lock");
  EXPECT_EQ(cache.snapshot("k"), "/c/models--timm--resnet18.a1_in1k/snapshots/k");
  EXPECT_EQ(HubCache("/c", "gpt2").blob("e"), "/c/models--gpt2/blobs/e");
}

// Sets variables, and puts the old ones back.
class Environment : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("braid_environment_" + std::to_string(::getpid()));
    fs::create_directories(folder_);
    for (const char* name : kNames) {
      const char* value = std::getenv(name);
      old_.push_back(value == nullptr ? std::nullopt : std::optional<std::string>(value));
      ::unsetenv(name);
    }
    set("HOME", folder_);
  }
  void TearDown() override {
    for (size_t i = 0; i < old_.size(); ++i) {
      if (old_[i])
        ::setenv(kNames[i], old_[i]->c_str(), 1);
      else
        ::unsetenv(kNames[i]);
    }
    fs::remove_all(folder_);
  }
  static void set(const char* name, const std::string& value) { ::setenv(name, value.c_str(), 1); }

  static constexpr const char* kNames[] = {"HOME",
                                           "XDG_CACHE_HOME",
                                           "HF_HOME",
                                           "HF_HUB_CACHE",
                                           "HF_TOKEN",
                                           "HF_TOKEN_PATH",
                                           "HF_ENDPOINT",
                                           "HF_HUB_OFFLINE",
                                           "HF_HUB_DISABLE_IMPLICIT_TOKEN",
                                           "HUGGINGFACE_HUB_CACHE",
                                           "HUGGING_FACE_HUB_TOKEN",
                                           "TRANSFORMERS_OFFLINE"};
  std::vector<std::optional<std::string>> old_;
  fs::path folder_;
};

TEST_F(Environment, TheCacheFolder) {
  const auto cache = [] { return hub_settings_from_environment().cache; };
  EXPECT_EQ(cache(), folder_ / ".cache/huggingface/hub");
  set("XDG_CACHE_HOME", "/xdg");
  EXPECT_EQ(cache(), "/xdg/huggingface/hub");
  set("HF_HOME", "~/hf");
  EXPECT_EQ(cache(), folder_ / "hf/hub");
  set("HF_HUB_CACHE", "$HOME/c/${HF_TOKEN}x$");
  set("HF_TOKEN", "t");
  EXPECT_EQ(cache(), folder_ / "c/tx$");
  set("HF_HUB_CACHE", "");
  EXPECT_EQ(cache(), folder_ / "hf/hub") << "empty is unset";
}

TEST_F(Environment, TheToken) {
  const auto token = [] { return hub_settings_from_environment().token; };
  EXPECT_EQ(token(), "");
  fs::create_directories(folder_ / ".cache/huggingface");
  write_file_atomic(folder_ / ".cache/huggingface/token", " hf_home\n");
  EXPECT_EQ(token(), "hf_home");
  write_file_atomic(folder_ / "other", "hf_path\r\n");
  set("HF_TOKEN_PATH", "~/other");
  EXPECT_EQ(token(), "hf_path");
  set("HF_TOKEN", " hf_given \n");
  EXPECT_EQ(token(), "hf_given");
  set("HF_TOKEN", "a\r\nEvil: 1");
  EXPECT_THROW(token(), ConfigError) << "a space within";
  set("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1");
  EXPECT_EQ(token(), "") << "as in huggingface_hub, HF_TOKEN is not sent either";
}

TEST_F(Environment, EndpointAndOffline) {
  EXPECT_EQ(hub_settings_from_environment().endpoint, kPublicHub);
  set("HF_ENDPOINT", "http://127.0.0.1:80/hub//");
  EXPECT_EQ(hub_settings_from_environment().endpoint, "http://127.0.0.1:80/hub");
  for (const char* bad : {"file:///etc", "hub", "https://user:word@hub"}) {
    set("HF_ENDPOINT", bad);
    EXPECT_THROW(hub_settings_from_environment(), ConfigError) << bad;
  }
  set("HF_ENDPOINT", "");
  EXPECT_FALSE(hub_settings_from_environment().offline);
  for (const char* yes : {"1", "on", "YES", "True"}) {
    set("HF_HUB_OFFLINE", yes);
    EXPECT_TRUE(hub_settings_from_environment().offline) << yes;
  }
  set("HF_HUB_OFFLINE", "0");
  EXPECT_FALSE(hub_settings_from_environment().offline);
}

}  // namespace
}  // namespace braid::io
