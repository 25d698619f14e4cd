// What braid asks of a Hugging Face hub: facts about a file (HEAD), and its bytes (GET).
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "braid/core/progress.h"
#include "braid/io/http.h"
#include "braid/io/hub_format.h"
#include "braid/io/hub_settings.h"

namespace braid::io {

struct HubReply {
  enum class Kind {
    kFile,
    kNoFile,        // the revision has no such file; file.commit says which one, where it is known
    kNoRevision,    // the repository has no such revision
    kNoRepository,  // or a private one
    kDenied,        // a token is missing or does not suffice
    kRefused,       // any other answer that will not change
    kBusy,          // 429, 5xx
    kUnreachable,   // no answer
  };
  Kind kind = Kind::kUnreachable;
  HubFile file = {};
  bool is_certain = false;             // kNoFile: the hub says so, not just any server's 404
  std::string text = {};               // the problem in words
  std::optional<int64_t> wait_s = {};  // kBusy: seconds that the server asks for
  bool may_pass() const { return kind == Kind::kBusy || kind == Kind::kUnreachable; }
};

class HubClient {
 public:
  HubClient(const HubSettings& settings, const HubSpec& spec, Progress& progress);

  // One question, answered at once. Redirects within the hub are followed; one to another host (the
  // storage of large files) is the answer itself.
  HubReply ask(const std::string& revision, const std::string& name) const;
  // The same, with pauses and further tries while the problem may pass; last: an answer that has
  // come already.
  HubReply ask_patiently(const std::string& revision, const std::string& name,
                         const std::optional<HubReply>& last = {}) const;
  // The reply as an error: IoError, or TryAgainError where it may pass.
  [[noreturn]] void raise(const HubReply& reply, const std::string& name) const;

  // Fetches the file into `target`, after what is there already; a broken connection is resumed.
  // What has come so far stays there on errors other than DataError, which is thrown where the size
  // is not the one that the hub said; max_bytes: a longer file is refused.
  void fetch(const HubFile& file, const std::string& name, uint64_t max_bytes,
             const std::filesystem::path& target) const;

  // The names of a revision's files; empty where the hub does not list them.
  std::vector<std::string> list(const std::string& revision) const;

  // OWNER/NAME@REVISION: file
  std::string where(const std::string& name) const { return spec_.text() + ": " + name; }

 private:
  class Patience;  // pauses between tries
  // Walks redirects itself: the token goes to the hub's own address and nowhere else. at_hub:
  // whether the answer came from there.
  HttpAnswer request(const std::string& path, HttpRequest request, bool& at_hub) const;
  HubReply reply_of(const HttpAnswer& answer, bool at_hub) const;

  HubSettings settings_;
  HubSpec spec_;
  Progress& progress_;
};

// Pauses that double, up to a number of failures in a row.
class HubClient::Patience {
 public:
  Patience(const HubSettings& settings, Progress& progress)
      : settings_(settings), progress_(progress) {}
  // Pauses and is true; false where it is used up, or where the server asks for too long a pause.
  bool wait(const HubReply& reply);
  void renew() { failures_ = 0; }

 private:
  const HubSettings& settings_;
  Progress& progress_;
  int failures_ = 0;
};

}  // namespace braid::io
