#include "braid/io/hub.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "braid/core/error.h"
#include "braid/core/json.h"
#include "braid/io/digest.h"
#include "braid/io/hub_cache.h"
#include "braid/io/hub_client.h"
#include "braid/io/posix_file.h"
#include "braid/io/safetensors.h"

namespace braid::io {
namespace {

namespace fs = std::filesystem;
using Kind = HubReply::Kind;

constexpr const char* kConfigName = "config.json";
constexpr const char* kPickleName = "pytorch_model.bin";
constexpr const char* kTokenizerSettings = "tokenizer_config.json";
constexpr const char* kGenerationSettings = "generation_config.json";
constexpr std::string_view kVocabulary = "vocab.json";    // has merges.txt or source.spm beside it
constexpr std::string_view kSourcePieces = "source.spm";  // has target.spm beside it
// Files that are a tokenizer, in the order in which one is looked for.
constexpr std::string_view kTokenizerNames[] = {"tokenizer.json",
                                                "vocab.txt",
                                                kVocabulary,
                                                "merges.txt",
                                                kSourcePieces,
                                                "target.spm",
                                                "sentencepiece.bpe.model",
                                                "spiece.model"};
// What an older transformers saved beside a vocabulary: tokens that were added to it.
constexpr const char* kAddedTokens[] = {"added_tokens.json", "special_tokens_map.json"};
constexpr uint64_t kMaxTokenizer = 64 << 20;      // bytes
constexpr uint64_t kMaxText = 16 << 20;           // bytes of config.json and of an index
constexpr uint64_t kMaxWeights = 50'000'000'000;  // bytes, huggingface_hub's limit for HTTP
constexpr uint64_t kWorthALine = 1'000'000;       // bytes

double megabytes(uint64_t bytes) { return static_cast<double>(bytes) / 1e6; }

// The answers that say something about the repository, rather than about the way there.
bool is_about_content(const HubReply& reply) {
  return reply.kind == Kind::kFile || reply.kind == Kind::kNoFile ||
         reply.kind == Kind::kNoRevision;
}

// Whether a tokenizer's file needs no other one.
bool is_last_part(std::string_view name) { return name != kVocabulary && name != kSourcePieces; }

class Resolution {
 public:
  Resolution(const HubSpec& spec, const HubSettings& settings, Progress& progress)
      : spec_(spec),
        settings_(settings),
        progress_(progress),
        cache_(settings.cache, spec.repository),
        client_(settings, spec, progress) {}

  fs::path run() {
    commit_ = cache_.commit_of(spec_.revision);
    const bool cached = !commit_.empty() && cache_.missing_files(commit_).empty();
    if (settings_.offline) return cached ? cache_.snapshot(commit_) : refuse_offline();
    const bool complete = cached && knows(kConfigName) &&
                          (!is_of_transformers() || knows_tokenizer()) &&
                          (!writes_texts() || knows(kGenerationSettings));
    if (complete && is_commit(spec_.revision)) return cache_.snapshot(commit_);
    if (!ask_for_commit(cached)) return cache_.snapshot(commit_);
    get(kConfigName, kMaxText);
    get_tokenizer();
    if (writes_texts()) get(kGenerationSettings, kMaxText);
    if (get(kWeightsName, kMaxWeights)) return cache_.snapshot(commit_);
    if (!get(kWeightIndexName, kMaxText)) refuse_repository();
    for (const auto& shard : read_weight_index(cache_.snapshot(commit_) / kWeightIndexName))
      if (!get(shard, kMaxWeights))
        throw DataError("hub", "expected the shard that the index names, got none",
                        client_.where(shard),
                        "tell the repository's owner, or use another @REVISION");
    return cache_.snapshot(commit_);
  }

 private:
  // Asks the hub which commit the revision is now. False: it does not answer, and commit_ stays the
  // cached one.
  bool ask_for_commit(bool cached) {
    for (const char* name : {kConfigName, kWeightsName, kWeightIndexName, kPickleName}) {
      auto reply = client_.ask(spec_.revision, name);
      if (!is_about_content(reply)) {
        if (cached) {
          progress_.line(fmt::format("{}: {}; using commit {} from the cache", spec_.text(),
                                     reply.text, commit_.substr(0, 12)));
          return false;
        }
        reply = client_.ask_patiently(spec_.revision, name, reply);
      }
      if (reply.kind != Kind::kFile && reply.kind != Kind::kNoFile) client_.raise(reply, name);
      replies_[name] = reply;
      if (reply.file.commit.empty()) continue;  // a 404 that does not say whose
      commit_ = reply.file.commit;
      cache_.remember_commit(spec_.revision, commit_);
      return true;
    }
    client_.raise(replies_[kWeightsName], kWeightsName);
  }

  // Sees to it that the snapshot has the file; false where the commit has no such file.
  bool get(const std::string& name, uint64_t max_bytes) {
    auto known = replies_.find(name);
    if (known == replies_.end()) {
      if (cache_.has(commit_, name)) return true;
      if (cache_.is_known_missing(commit_, name)) return false;
      known = replies_.emplace(name, client_.ask_patiently(commit_, name)).first;
    }
    const HubReply& reply = known->second;
    if (reply.kind == Kind::kNoFile) {
      if (reply.is_certain) cache_.remember_missing(commit_, name);
      return false;
    }
    if (reply.kind != Kind::kFile) client_.raise(reply, name);
    HubFile file = reply.file;
    file.commit = commit_;
    if (!is_whole(cache_.snapshot(commit_) / name, file)) store(name, file, max_bytes);
    return true;
  }

  // Whether the cache has the file, or knows that the commit has none.
  bool knows(const std::string& name) const {
    return cache_.has(commit_, name) || cache_.is_known_missing(commit_, name);
  }

  // The repository's config.json; nothing where there is none that can be read: whoever needs it
  // says so.
  Json config() const {
    const auto file = cache_.snapshot(commit_) / kConfigName;
    std::error_code ignored;
    if (!fs::is_regular_file(file, ignored)) return {};
    try {
      return read_json(file);
    } catch (const DataError&) {
      return {};
    }
  }

  // Hugging Face transformers' models of texts have a tokenizer.
  bool is_of_transformers() const {
    const Json json = config();
    return json.is_object() && json.contains("model_type");
  }

  // Its models that write texts may have settings for that.
  bool writes_texts() const {
    const Json json = config();
    return json.is_object() && json.contains("is_encoder_decoder") &&
           json.at("is_encoder_decoder") == Json(true);
  }

  bool knows_tokenizer() const {
    bool all = true;
    for (const auto known : kTokenizerNames) {
      const std::string name(known);
      if (is_last_part(name) && cache_.has(commit_, name)) return true;
      all = all && knows(name);
    }
    return all;
  }

  // tokenizer.json says all; the other files are asked for where it is not there.
  void get_tokenizer() {
    if (!is_of_transformers()) return;
    get(kTokenizerSettings, kMaxText);
    for (const auto name : kTokenizerNames)
      if (get(std::string(name), kMaxTokenizer) && is_last_part(name)) {
        if (name == "vocab.txt" || name == "merges.txt")
          for (const char* added : kAddedTokens) get(added, kMaxText);
        return;
      }
  }

  static bool is_whole(const fs::path& path, const HubFile& file) {
    std::error_code error;
    return fs::is_regular_file(path, error) &&
           (!file.size || fs::file_size(path, error) == *file.size);
  }

  void store(const std::string& name, const HubFile& file, uint64_t max_bytes) {
    cache_.prepare(commit_);
    const FileLock lock(cache_.lock(file.etag), [&] {
      progress_.line("Waiting for another process that fetches " + client_.where(name));
    });
    if (!is_whole(cache_.blob(file.etag), file)) download(name, file, max_bytes);
    cache_.link(commit_, name, file.etag);
  }

  void download(const std::string& name, const HubFile& file, uint64_t max_bytes) {
    const fs::path part = cache_.incomplete(file.etag);
    check_space(part, file);
    const uint64_t size = file.size.value_or(kWorthALine);
    if (size >= kWorthALine)
      progress_.line(fmt::format("Fetching {} ({:.1f} MB)", client_.where(name), megabytes(size)));
    std::error_code ignored;
    const bool resumed = fs::exists(part, ignored);
    client_.fetch(file, name, max_bytes, part);
    if (resumed && !has_digest(part, file)) {  // the part that was there may have been bad
      fs::remove(part, ignored);
      client_.fetch(file, name, max_bytes, part);
    }
    if (!has_digest(part, file)) {
      fs::remove(part, ignored);
      throw DataError("hub", "expected the SHA-256 " + file.etag + ", got another",
                      client_.where(name), "run the command again");
    }
    sync_and_rename(part, cache_.blob(file.etag));
  }

  static bool has_digest(const fs::path& path, const HubFile& file) {
    return !is_sha256(file.etag) || sha256_of_file(path) == file.etag;
  }

  void check_space(const fs::path& part, const HubFile& file) const {
    std::error_code error, no_part;
    const auto space = fs::space(part.parent_path(), error);
    const uint64_t there = fs::file_size(part, no_part);
    const uint64_t have = no_part ? 0 : there;
    if (error || !file.size || *file.size <= have || space.available >= *file.size - have) return;
    throw IoError("hub",
                  fmt::format("expected {:.1f} MB of free space, got {:.1f} MB",
                              megabytes(*file.size - have), megabytes(space.available)),
                  settings_.cache.string(),
                  "free some space or set HF_HUB_CACHE to another folder");
  }

  [[noreturn]] fs::path refuse_offline() const {
    const auto files = commit_.empty() ? std::vector<std::string>() : cache_.missing_files(commit_);
    const std::string missing = files.empty() ? "" : ": " + files.front();
    throw IoError("hub", "not in the cache, and HF_HUB_OFFLINE allows no download",
                  fmt::format("{}{} in {}", spec_.text(), missing, settings_.cache.string()),
                  "unset HF_HUB_OFFLINE, or fill the cache where there is a network");
  }

  // Without weights that can be read: pickles are named, with the command that converts them.
  [[noreturn]] void refuse_repository() const {
    auto names = client_.list(commit_);
    if (names.empty() && client_.ask(commit_, kPickleName).kind == Kind::kFile)
      names.push_back(kPickleName);
    // Only names that are safe within the command.
    std::erase_if(names, [](const auto& name) { return !is_plain_name(name) || !is_pickle(name); });
    if (names.empty()) client_.raise(replies_.at(kWeightsName), kWeightsName);
    const bool usual = std::find(names.begin(), names.end(), kPickleName) != names.end();
    const std::string pickle = usual ? kPickleName : names.front();
    throw DataError("hub",
                    "the repository has no model.safetensors, only a pickle, which can run code "
                    "when it is read",
                    client_.where(pickle),
                    pickle_remedy(fmt::format("hf_hub_download('{}', '{}', revision='{}')",
                                              spec_.repository, pickle, commit_),
                                  "from huggingface_hub import hf_hub_download; ", {kWeightsName}));
  }

  HubSpec spec_;
  HubSettings settings_;
  Progress& progress_;
  HubCache cache_;
  HubClient client_;
  std::string commit_;
  std::map<std::string, HubReply> replies_;
};

}  // namespace

fs::path resolve_hub(const HubSpec& spec, const HubSettings& settings, Progress& progress) {
  return Resolution(spec, settings, progress).run();
}

fs::path resolve_weights(const std::string& spec, Progress& progress) {
  if (!is_hub_spec(spec)) return spec;
  return resolve_hub(parse_hub_spec(spec), hub_settings_from_environment(), progress);
}

}  // namespace braid::io
