// Requests and answers of the Open Inference Protocol as bytes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <cstring>

#include "braid/core/error.h"
#include "braid/core/json.h"
#include "braid/serve/http/host_name.h"
#include "braid/serve/http/target.h"
#include "braid/serve/protocol/content_coding.h"
#include "braid/serve/protocol/infer_request.h"
#include "braid/serve/protocol/infer_response.h"

namespace braid::serve::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

InferRequest parsed(const std::string& json, const std::string& binary = "") {
  const auto body = std::make_shared<const std::string>(json + binary);
  return parse_infer_request(body,
                             binary.empty() ? std::nullopt : std::optional<uint64_t>(json.size()));
}

std::string refusal(const std::string& json, const std::string& binary = "") {
  try {
    parsed(json, binary);
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

std::string input(const std::string& fields) {
  return R"({"inputs":[{"name":"x",)" + fields + "}]}";
}

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

std::string prefixed(const std::string& text) {
  return bytes_of(std::vector<uint32_t>{static_cast<uint32_t>(text.size())}) + text;
}

TEST(InferRequest, ReadsJsonFlatAndNested) {
  const auto flat =
      parsed(R"({"id":"7","parameters":{"timeout":5000},"inputs":[{"name":"x","datatype":"FP32",)"
             R"("shape":[2,2],"data":[1,2.5,-3,4e-1]}],"outputs":[{"name":"y","parameters":)"
             R"({"classification":2}},{"name":"z","parameters":{"binary_data":true}}]})");
  EXPECT_EQ(flat.id, "7");
  EXPECT_EQ(flat.timeout_us, 5000);
  ASSERT_EQ(flat.inputs.size(), 1U);
  EXPECT_THAT(values_of<float>(flat.inputs[0]), ElementsAre(1, 2.5, -3, 0.4F));
  ASSERT_EQ(flat.outputs.size(), 2U);
  EXPECT_EQ(flat.outputs[0].classification, 2);
  EXPECT_FALSE(flat.outputs[0].binary);
  EXPECT_TRUE(flat.outputs[1].binary);
  const auto nested =
      parsed(input(R"("datatype":"INT64","shape":[2,1,2],"data":[[[1,2]],[[3,4]]])"));
  EXPECT_THAT(values_of<int64_t>(nested.inputs[0]), ElementsAre(1, 2, 3, 4));
  const auto text = parsed(input(R"("datatype":"BYTES","shape":[2],"data":["a","\u00e9"])"));
  EXPECT_THAT(text.inputs[0].elements, ElementsAre("a", "\xc3\xa9"));
  EXPECT_TRUE(text.inputs[0].written_as_json);
}

TEST(InferRequest, ReadsBinaryTensorsInTheirOrder) {
  const std::string json =
      R"({"parameters":{"binary_data_output":true},"inputs":[)"
      R"({"name":"a","datatype":"FP32","shape":[1,2],"parameters":{"binary_data_size":8}},)"
      R"({"name":"b","datatype":"INT64","shape":[1],"data":[5]},)"
      R"({"name":"c","datatype":"BYTES","shape":[2],"parameters":{"binary_data_size":13}}]})";
  const auto request = parsed(json, bytes_of<float>({1.5F, -2}) + prefixed("hello") + prefixed(""));
  ASSERT_EQ(request.inputs.size(), 3U);
  EXPECT_THAT(values_of<float>(request.inputs[0]), ElementsAre(1.5, -2));
  EXPECT_THAT(values_of<int64_t>(request.inputs[1]), ElementsAre(5));
  EXPECT_THAT(request.inputs[2].elements, ElementsAre("hello", ""));
  EXPECT_TRUE(request.binary_output);
}

TEST(InferRequest, TakesARawBodyAsOneElement) {
  const auto body = std::make_shared<const std::string>("\x89PNG\0{", 6);
  const auto request = parse_infer_request(body, 0);
  EXPECT_TRUE(request.raw);
  EXPECT_THAT(request.inputs.at(0).elements, ElementsAre(std::string_view(*body)));
}

TEST(InferRequest, NamesTheFieldThatIsWrong) {
  EXPECT_THAT(refusal("{"), HasSubstr("JSON syntax"));
  EXPECT_THAT(refusal("[]"), HasSubstr("expected an object"));
  EXPECT_THAT(refusal("{}"), HasSubstr("inputs"));
  EXPECT_THAT(refusal(R"({"inputs":[]})"), HasSubstr("inputs"));
  EXPECT_THAT(refusal(R"({"inputs":[1]})"), HasSubstr("inputs[0]"));
  EXPECT_THAT(refusal(R"({"inputs":[{"name":1}]})"), HasSubstr("inputs[0].name"));
  EXPECT_THAT(refusal(input(R"("datatype":"FP31","shape":[1],"data":[1])")),
              HasSubstr("inputs[0].datatype"));
  for (const char* shape : {"[]", "[-1]", "[1.5]", "{}", "\"1\"", "[1,1,1,1,1,1,1,1,1]",
                            "[9223372036854775807,9223372036854775807]"})
    EXPECT_THAT(refusal(input(R"("datatype":"FP32","data":[1],"shape":)" + std::string(shape))),
                HasSubstr("inputs[0].shape"))
        << shape;
  for (const char* data : {"[1]", "[1,2,3]", "[[1,2]]", "[[1],[2]]", "[1,[2]]", "[1,\"2\"]",
                           "[1,null]", "[1,1e39]", "3", "[]", "[[[1,2]]]"})
    EXPECT_THAT(refusal(input(R"("datatype":"FP32","shape":[2],"data":)" + std::string(data))),
                HasSubstr("inputs[0].data"))
        << data;
  EXPECT_THAT(refusal(input(R"("datatype":"FP32","shape":[1],"data":[NaN])")), HasSubstr("JSON"));
  EXPECT_THAT(refusal(input(R"("datatype":"UINT8","shape":[1],"data":[256])")), HasSubstr("range"));
  EXPECT_THAT(refusal(input(R"("datatype":"UINT8","shape":[1],"data":[-1])")), HasSubstr("range"));
  EXPECT_THAT(refusal(input(R"("datatype":"INT8","shape":[1],"data":[-129])")), HasSubstr("range"));
  EXPECT_THAT(refusal(input(R"("datatype":"FP16","shape":[1],"data":[1])")), HasSubstr("binary"));
  EXPECT_THAT(refusal(input(R"("datatype":"BYTES","shape":[1],"data":[1])")), HasSubstr("strings"));
  EXPECT_THAT(refusal(input(R"("datatype":"FP32","shape":[1])")), HasSubstr("inputs[0].data"));
  EXPECT_THAT(refusal(R"({"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[1]},)"
                      R"({"name":"x","datatype":"FP32","shape":[1],"data":[1]}]})"),
              HasSubstr("each input once"));
  EXPECT_THAT(refusal(R"({"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[1]}],)"
                      R"("outputs":[{"name":"y","parameters":{"classification":-1}}]})"),
              HasSubstr("outputs[0].parameters.classification"));
  EXPECT_THAT(refusal(R"({"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[1]}],)"
                      R"("outputs":[{"name":"y"},{"name":"z"},{"name":"y"}]})"),
              HasSubstr("each output once (outputs[2].name)"));
  EXPECT_THAT(
      refusal(R"({"id":3,"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[1]}]})"),
      HasSubstr("body.id"));
}

TEST(InferRequest, RefusesBinaryDataOfAnotherSize) {
  const auto sized = [](const std::string& type, const std::string& shape, size_t size) {
    return input("\"datatype\":\"" + type + "\",\"shape\":" + shape +
                 ",\"parameters\":{\"binary_data_size\":" + std::to_string(size) + "}");
  };
  const auto eight = bytes_of<float>({1, 2});
  EXPECT_EQ(refusal(sized("FP32", "[2]", 8), eight), "");
  EXPECT_THAT(refusal(sized("FP32", "[2]", 9), eight), HasSubstr("got 8"));
  EXPECT_THAT(refusal(sized("FP32", "[2]", 4), eight), HasSubstr("another number of bytes"));
  EXPECT_THAT(refusal(sized("FP32", "[1]", 4), eight), HasSubstr("4 bytes more"));
  EXPECT_THAT(refusal(sized("FP32", "[2305843009213693952]", 8), eight),
              HasSubstr("another number of bytes"));
  EXPECT_EQ(refusal(sized("BYTES", "[1]", 9), prefixed("hello")), "");
  EXPECT_THAT(refusal(sized("BYTES", "[2]", 9), prefixed("hello")), HasSubstr("2th"));
  EXPECT_THAT(refusal(sized("BYTES", "[0]", 9), prefixed("hello")), HasSubstr("no more"));
  EXPECT_THAT(refusal(sized("BYTES", "[1000000000000]", 4), prefixed("")),
              HasSubstr("ends within"));
  EXPECT_THAT(refusal(sized("BYTES", "[1]", 6),
                      "\xff\xff\xff\x7f"
                      "ab"),
              HasSubstr("ends within"));
}

TEST(InferRequest, RefusesMoreElementsThanAnyBatchHas) {
  const auto many = [](int64_t count) {
    const auto text = std::to_string(count), size = std::to_string(4 * count);
    return refusal(input(R"("datatype":"BYTES","shape":[)" + text +
                         R"(],"parameters":{"binary_data_size":)" + size + "}"),
                   std::string(static_cast<size_t>(4 * count), '\0'));
  };
  EXPECT_EQ(many(65536), "");
  EXPECT_THAT(many(65537), HasSubstr("at most 65536 elements"));
}

TEST(InferRequest, TakesNoMoreThanItSays) {
  EXPECT_EQ(reading_bytes("{}", std::nullopt), 2 + 64);
  EXPECT_EQ(reading_bytes("{}[[[", 2), 2 + 64) << "binary data follows";
  EXPECT_EQ(reading_bytes("\xff\xd8[[", 0), 0) << "no JSON";
  EXPECT_EQ(reading_bytes("{}", 3), 0) << "refused unread";
  EXPECT_GE(reading_bytes("[" + std::string(1000, ','), std::nullopt), 48'000);
}

TEST(InferRequest, RefusesAHeadBeyondTheBodyOrTheLimit) {
  const auto body = std::make_shared<const std::string>("{}");
  EXPECT_THROW(parse_infer_request(body, 3), DataError);
  const auto long_body = std::make_shared<const std::string>(kMaxRequestJson + 1, ' ');
  EXPECT_THROW(parse_infer_request(long_body, std::nullopt), DataError);
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += '[';
  EXPECT_THAT(refusal(input(R"("datatype":"FP32","shape":[1],"data":)" + deep)),
              HasSubstr("nesting"));
}

InferResponse two_outputs() {
  InferResponse response{.model_name = "m\"", .model_version = "1", .id = "9"};
  response.outputs.push_back(
      make_tensor("logits", DataType::kFp32, {2, 3}, std::vector<float>{0.1F, 3, -2, 5, 5, 1e-7F}));
  response.outputs.push_back(softmax(response.outputs[0], "probabilities"));
  return response;
}

TEST(InferResponse, WritesJsonWithNumbersThatComeBack) {
  const auto encoded = encode_response(two_outputs(), {}, {});
  EXPECT_FALSE(encoded.json_bytes);
  const Json json = parse_json(encoded.body, {.component = "test", .where = "body"});
  EXPECT_EQ(json.at("model_name"), "m\"");
  EXPECT_EQ(json.at("id"), "9");
  ASSERT_EQ(json.at("outputs").size(), 2U);
  const auto& logits = json.at("outputs").at(0);
  EXPECT_EQ(logits.at("shape"), Json::array({2, 3}));
  EXPECT_EQ(logits.at("data").at(0).get<float>(), 0.1F);
  EXPECT_EQ(logits.at("data").at(5).get<float>(), 1e-7F);
  double sum = 0;
  for (int i = 0; i < 3; ++i) sum += json.at("outputs").at(1).at("data").at(i).get<double>();
  EXPECT_NEAR(sum, 1, 1e-6);
}

TEST(InferResponse, PutsBinaryDataBehindTheJson) {
  InferRequest request;
  request.outputs = {{.name = "probabilities", .classification = 1},
                     {.name = "logits", .binary = true},
                     {.name = "logits", .binary = true, .classification = 2}};
  const auto encoded = encode_response(two_outputs(), request, {"ant", "bee"});
  ASSERT_TRUE(encoded.json_bytes);
  const Json json = parse_json(encoded.body.substr(0, *encoded.json_bytes),
                               {.component = "test", .where = "body"});
  const auto binary = encoded.body.substr(*encoded.json_bytes);
  EXPECT_EQ(json.at("outputs").at(0).at("shape"), Json::array({2, 1}));
  EXPECT_THAT(json.at("outputs").at(0).at("data").at(0).get<std::string>(), HasSubstr(":1:bee"));
  EXPECT_EQ(json.at("outputs").at(1).at("parameters").at("binary_data_size"), 24);
  const auto best = prefixed("3.000000:1:bee") + prefixed("0.100000:0:ant") +
                    prefixed("5.000000:0:ant") + prefixed("5.000000:1:bee");
  EXPECT_EQ(binary, std::string(two_outputs().outputs[0].data) + best);
  request.outputs = {{.name = "logits", .classification = 9'000'000'000}};
  EXPECT_THAT(encode_response(two_outputs(), request, {}).body, HasSubstr("\"shape\":[2,3]"));
  request.outputs = {{.name = "other"}};
  EXPECT_THROW(encode_response(two_outputs(), request, {}), DataError);
}

TEST(ContentCoding, InflatesNoFurtherThanAllowed) {
  const std::string text(100'000, 'a');
  std::string zipped(compressBound(text.size()), '\0');
  uLongf size = zipped.size();
  ASSERT_EQ(compress(reinterpret_cast<Bytef*>(zipped.data()), &size,
                     reinterpret_cast<const Bytef*>(text.data()), text.size()),
            Z_OK);
  zipped.resize(size);
  EXPECT_EQ(inflate_body(zipped, 100'000), text);
  EXPECT_EQ(inflate_body(zipped, 99'999), std::nullopt);
  EXPECT_THROW(inflate_body(zipped.substr(0, size / 2), 1'000'000), DataError);
  EXPECT_THROW(inflate_body(zipped + "x", 1'000'000), DataError);
  EXPECT_THROW(inflate_body("no such thing", 1'000'000), DataError);
  EXPECT_THROW(inflate_body("", 1'000'000), DataError);
}

TEST(ContentCoding, ReadsBase64) {
  EXPECT_EQ(decode_base64("aGVsbG8="), "hello");
  EXPECT_EQ(decode_base64("aGVsbG8"), "hello");
  EXPECT_EQ(decode_base64("data:image/png;base64,_-8="), "\xff\xef");
  EXPECT_EQ(decode_base64(""), "");
  EXPECT_THROW(decode_base64("a b"), DataError);
  EXPECT_THROW(decode_base64("aGVsb"), DataError);
}

TEST(Target, IsSplitAndUnescaped) {
  EXPECT_EQ(split_target("/v2//models/a%2Fb?x=/y"),
            (std::vector<std::string>{"v2", "models", "a/b"}));
  EXPECT_EQ(split_target("http://host:80/v2"), (std::vector<std::string>{"v2"}));
  EXPECT_EQ(split_target("/"), std::vector<std::string>{});
  for (const char* wrong : {"", "v2", "*", "/%", "/%4", "/%zz"})
    EXPECT_EQ(split_target(wrong), std::nullopt) << wrong;
}

TEST(HostName, IsWhatTheRequestIsFor) {
  EXPECT_EQ(host_name("LocalHost:8000"), "localhost");
  EXPECT_EQ(host_name("models.example."), "models.example");
  EXPECT_EQ(host_name("[::1]:8000"), "::1");
  EXPECT_EQ(host_name("::1"), "::1");
  EXPECT_EQ(host_name("[::1"), "::1");
  EXPECT_EQ(host_name(""), "");
  for (const char* host :
       {"localhost", "models.example", "models.example.", "Models.example:8000", "my_box-2",
        "10.0.0.7", "10.0.0.7:1", "::1", "fe80::2", "[::1]", "[::1]:65535", "1and1.example"})
    EXPECT_TRUE(is_host(host)) << host;
  for (const char* none :
       {"",      " ",    "http://a", "http://a b", "a b",     " a",        "a/",
        "a/b",   "a:",   "a:x",      "a:0",        "a:65536", "a:80:",     ":80",
        ".",     "a..b", "-a",       "a-",         "*",       "*.example", "300.0.0.1",
        "1.2.3", "[::1", "[::1]80",  "[a]",        "::g",     "user@a",    "m\xc3\xbcller.example"})
    EXPECT_FALSE(is_host(none)) << none;
  EXPECT_FALSE(is_host(std::string(64, 'a')));
  EXPECT_FALSE(is_host(std::string_view("a\0b", 3)));
  for (const char* own : {"localhost", "127.0.0.1", "127.9.8.7", "::1", "0:0:0:0:0:0:0:1"})
    EXPECT_TRUE(is_loopback(own)) << own;
  for (const char* other : {"", "0.0.0.0", "10.0.0.1", "::", "::2", "127.example",
                            "127.0.0.1.example", "localhost.example", "localhost, x"})
    EXPECT_FALSE(is_loopback(other)) << other;
}

TEST(Tensors, AreJoinedAndPadded) {
  const TensorSpec spec{.name = "ids", .type = DataType::kInt64, .shape = {-1, -1}, .padding = 9};
  const auto a = make_tensor("ids", DataType::kInt64, {1, 2}, std::vector<int64_t>{1, 2});
  const auto b =
      make_tensor("ids", DataType::kInt64, {2, 3}, std::vector<int64_t>{3, 4, 5, 6, 7, 8});
  const auto both = concatenate({&a, &b}, spec);
  EXPECT_THAT(both.shape, ElementsAre(3, 3));
  EXPECT_THAT(values_of<int64_t>(both), ElementsAre(1, 2, 9, 3, 4, 5, 6, 7, 8));
  EXPECT_THAT(values_of<int64_t>(slice_rows(both, 1, 1)), ElementsAre(3, 4, 5));
}

}  // namespace
}  // namespace braid::serve::test
