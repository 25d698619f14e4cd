#include "braid/io/hub_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "braid/core/error.h"

namespace braid::io {
namespace {

constexpr int kMaxRedirects = 20;     // as huggingface_hub
constexpr long kAskSeconds = 10;      // for facts
constexpr size_t kMaxList = 8 << 20;  // bytes of a description

std::string file_path(const HubSpec& spec, const std::string& revision, const std::string& name) {
  return fmt::format("/{}/resolve/{}/{}", spec.repository, percent_encode(revision),
                     percent_encode(name));
}

}  // namespace

HubClient::HubClient(const HubSettings& settings, const HubSpec& spec, Progress& progress)
    : settings_(settings), spec_(spec), progress_(progress) {}

HttpAnswer HubClient::request(const std::string& path, HttpRequest request, bool& at_hub) const {
  const std::string hub = url_origin(settings_.endpoint);
  const auto wanted = request.headers;
  request.url = settings_.endpoint + path;
  at_hub = true;
  for (int hop = 0; hop <= kMaxRedirects; ++hop) {
    const std::string origin = url_origin(request.url);
    at_hub = at_hub && origin == hub;  // who sends us away and back does not get the token
    request.headers = wanted;
    request.headers.push_back("Accept-Encoding: identity");  // the length is the file's
    if (at_hub && !settings_.token.empty())
      request.headers.push_back("Authorization: Bearer " + settings_.token);
    auto answer = http_request(request);
    if (answer.end != HttpAnswer::End::kWhole || !answer.is_redirect()) return answer;
    const std::string target = resolve_url(request.url, answer.header("location"));
    const std::string target_origin = url_origin(target);
    const bool within_hub =
        target_origin == origin || target_origin == hub || target_origin == url_origin(kPublicHub);
    if (request.head && !within_hub) return answer;
    if (target_origin.empty() ||
        (origin.starts_with("https://") && !target_origin.starts_with("https://"))) {
      answer.end = HttpAnswer::End::kFailed;
      answer.reason = "the server redirects to an address without encryption, or to none at all";
      return answer;
    }
    request.url = target;
  }
  return {.end = HttpAnswer::End::kFailed,
          .reason = fmt::format("more than {} redirects", kMaxRedirects)};
}

HubReply HubClient::reply_of(const HttpAnswer& answer, bool at_hub) const {
  using Kind = HubReply::Kind;
  if (answer.end == HttpAnswer::End::kCut)
    return {.kind = Kind::kUnreachable, .text = answer.reason};
  if (answer.end != HttpAnswer::End::kWhole) return {.kind = Kind::kRefused, .text = answer.reason};
  const std::string code = answer.header("x-error-code");
  const long status = answer.status;
  if (status == 408 || status == 429 || status >= 500)
    return {.kind = Kind::kBusy,
            .text = fmt::format("the server answered {}", status),
            .wait_s = retry_after(answer.headers)};
  if (!at_hub && status >= 400)  // storage: a signed address has expired, say
    return {.kind = Kind::kRefused, .text = fmt::format("the storage host answered {}", status)};
  if (code == "RepoNotFound")
    return {.kind = Kind::kNoRepository, .text = "the repository does not exist, or is private"};
  if (code == "RevisionNotFound")
    return {.kind = Kind::kNoRevision,
            .text = fmt::format("the repository has no revision '{}'", spec_.revision)};
  if (code == "GatedRepo")
    return {.kind = Kind::kDenied, .text = "the repository is gated: its terms must be accepted"};
  if (status == 401 || status == 403)
    return {.kind = Kind::kDenied,
            .text = fmt::format("the repository is private, gated, or does not exist (the server "
                                "answered {})",
                                status)};
  const bool found = answer.is_success() || answer.is_redirect();
  if (!found && status != 404)
    return {.kind = Kind::kRefused, .text = fmt::format("the server answered {}", status)};
  const auto facts = read_hub_headers(answer.headers, answer.is_redirect(), spec_.text());
  if (status == 404)
    return {.kind = Kind::kNoFile,
            .file = facts,
            .is_certain = code == "EntryNotFound",
            .text = "the repository has no such file"};
  if (facts.commit.empty() || facts.etag.empty())
    return {.kind = Kind::kRefused,
            .text = fmt::format("{} does not answer as a Hugging Face hub (no {} header)",
                                url_origin(settings_.endpoint),
                                facts.commit.empty() ? "X-Repo-Commit" : "ETag")};
  return {.kind = Kind::kFile, .file = facts};
}

HubReply HubClient::ask(const std::string& revision, const std::string& name) const {
  bool at_hub = true;
  const auto answer =
      request(file_path(spec_, revision, name),
              {.head = true, .connect_seconds = kAskSeconds, .stall_seconds = kAskSeconds}, at_hub);
  return reply_of(answer, at_hub);
}

HubReply HubClient::ask_patiently(const std::string& revision, const std::string& name,
                                  const std::optional<HubReply>& last) const {
  Patience patience(settings_, progress_);
  HubReply reply = last ? *last : ask(revision, name);
  while (reply.may_pass() && patience.wait(reply)) reply = ask(revision, name);
  return reply;
}

void HubClient::raise(const HubReply& reply, const std::string& name) const {
  using Kind = HubReply::Kind;
  const std::string page = settings_.endpoint + "/" + spec_.repository;
  switch (reply.kind) {
    case Kind::kUnreachable:
      throw TryAgainError("hub", reply.text, where(name),
                          "check the network and run the command again");
    case Kind::kBusy:
      throw TryAgainError(
          "hub", reply.text, where(name),
          reply.wait_s ? fmt::format("try again in {} s", *reply.wait_s) : "try again later");
    case Kind::kDenied:
    case Kind::kNoRepository:
      throw IoError(
          "hub", reply.text, where(name),
          fmt::format("check the name; accept the terms at {} if there are any; set "
                      "HF_TOKEN to a token that may read it ({})",
                      page,
                      settings_.token.empty() ? "none is set" : "the one that is set may not"));
    case Kind::kNoRevision:
      throw IoError("hub", reply.text, where(name), fmt::format("see {}/tree/main", page));
    case Kind::kNoFile:
      throw IoError("hub", reply.text, where(name),
                    fmt::format("see {}/tree/{}", page, spec_.revision));
    default:
      throw IoError("hub", reply.text, where(name),
                    "check HF_ENDPOINT and the proxy, and run the command again");
  }
}

std::vector<std::string> HubClient::list(const std::string& revision) const {
  std::vector<uint8_t> bytes;
  const auto receive = [&](const HttpAnswer&, std::span<const uint8_t> data) {
    bytes.insert(bytes.end(), data.begin(), data.end());
    return bytes.size() <= kMaxList;
  };
  bool at_hub = true;
  const auto answer = request(
      fmt::format("/api/models/{}/revision/{}", spec_.repository, percent_encode(revision)),
      {.connect_seconds = kAskSeconds, .stall_seconds = kAskSeconds, .receive = receive}, at_hub);
  if (answer.end != HttpAnswer::End::kWhole || !answer.is_success()) return {};
  return parse_file_list(bytes);
}

bool HubClient::Patience::wait(const HubReply& reply) {
  if (++failures_ >= settings_.attempts) return false;
  std::chrono::milliseconds pause = settings_.first_wait * (1 << std::min(failures_ - 1, 10));
  pause = std::min(pause, settings_.longest_wait);
  if (reply.wait_s) {
    if (*reply.wait_s > settings_.longest_retry_after.count()) return false;
    pause = std::max(pause, std::chrono::milliseconds(*reply.wait_s * 1000));
  }
  progress_.line(fmt::format("{}; trying again in {:.0f} s", reply.text,
                             std::chrono::duration<double>(pause).count()));
  std::this_thread::sleep_for(pause);
  return true;
}

}  // namespace braid::io
