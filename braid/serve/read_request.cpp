#include "braid/serve/read_request.h"

#include <fmt/format.h>

#include <charconv>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "braid/core/error.h"
#include "braid/core/natural_order.h"
#include "braid/serve/protocol/content_coding.h"

namespace braid::serve {
namespace {

constexpr const char* kJsonSizeHeader = "inference-header-content-length";
constexpr const char* kNoMemory = "the server holds as many bytes of requests as it may";

// With a status of its own.
struct RefusedBody final : std::exception {
  RefusedBody(int given, std::string why) : status(given), message(std::move(why)) {}
  int status;
  std::string message;
};

std::optional<uint64_t> json_bytes_of(const HttpRequest& request) {
  const auto text = request.header(kJsonSizeHeader);
  if (text.empty()) return std::nullopt;
  uint64_t bytes = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (error != std::errc() || end != text.data() + text.size())
    throw DataError("request", "expected a number of bytes", "Inference-Header-Content-Length");
  return bytes;
}

void inflate(HttpRequest& request, int64_t max_bytes) {
  const auto coding = to_lower(std::string(request.header("content-encoding")));
  if (coding.empty() || coding == "identity") return;
  if (coding != "gzip" && coding != "x-gzip" && coding != "deflate")
    throw RefusedBody(415, "expected gzip, deflate or identity");
  auto inflated = inflate_body(*request.body, static_cast<uint64_t>(max_bytes));
  if (!inflated)
    throw RefusedBody(413,
                      fmt::format("expected a body that inflates to at most {} bytes", max_bytes));
  expect_memory(request.memory, static_cast<int64_t>(inflated->size()));
  *request.body = std::move(*inflated);
}

bool fits(const Tensor& tensor, const TensorSpec& spec) {
  if (tensor.shape.size() != spec.shape.size()) return false;
  for (size_t d = 0; d < spec.shape.size(); ++d)
    if (spec.shape[d] >= 0 && tensor.shape[d] != spec.shape[d]) return false;
  return true;
}

}  // namespace

void expect_memory(MemoryBudget::Charge& charge, int64_t bytes) {
  if (!charge.add(bytes)) throw TryAgainError("serve", kNoMemory);
}

InferRequest read_request(HttpRequest& request, MemoryBudget::Charge& working, int64_t max_bytes) {
  inflate(request, max_bytes);
  const auto json_bytes = json_bytes_of(request);
  expect_memory(working, reading_bytes(*request.body, json_bytes));
  return parse_infer_request(request.body, json_bytes);
}

void check_input(const Tensor& tensor, const TensorSpec& spec) {
  if (tensor.type != spec.type)
    throw DataError(
        "request", fmt::format("expected {}, got {}", to_string(spec.type), to_string(tensor.type)),
        spec.name + ".datatype");
  if (!fits(tensor, spec))
    throw DataError("request",
                    fmt::format("expected the shape {}, got {}", shape_text(spec.shape),
                                shape_text(tensor.shape)),
                    spec.name + ".shape");
  if (!is_finite(tensor))
    throw DataError("request", "expected finite numbers, got NaN or infinity", spec.name);
}

Failure failure_of(const std::exception_ptr& failed) {
  try {
    std::rethrow_exception(failed);
  } catch (const RefusedBody& refused) {
    return {Ending::kInvalid, json_error(refused.status, refused.message)};
  } catch (const TryAgainError& error) {
    return {Ending::kOverload, try_later(503, error.what(), 1)};
  } catch (const InternalError& error) {
    return {Ending::kFailed, json_error(500, error.what())};
  } catch (const Error& error) {
    return {Ending::kInvalid, json_error(400, error.what())};
  } catch (const std::bad_alloc&) {
    return {Ending::kOverload, try_later(503, "the server is out of memory", 1)};
  } catch (const std::exception& error) {
    return {Ending::kFailed, json_error(500, error.what())};
  }
}

}  // namespace braid::serve
