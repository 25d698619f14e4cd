// Downloads from a hub on this machine, with every fault that a real one may have.
#include <sys/wait.h>

#include <csignal>
#include <set>

#include "braid/core/error.h"
#include "braid/io/atomic_file.h"
#include "tests/io/hub/hub_fixture.h"

namespace braid::io {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(Hub, DownloadsInHuggingfaceHubsLayout) {
  const auto snapshot = get("team/plain");
  EXPECT_EQ(snapshot, folder("team--plain") / "snapshots" / kCommit);
  expect_whole(snapshot);
  EXPECT_EQ(fs::file_size(snapshot / "model.safetensors"), kSize);
  EXPECT_THAT(text_of(snapshot / "config.json"), HasSubstr("resnet20"));
  EXPECT_EQ(text_of(folder("team--plain") / "refs/main"), kCommit);
  EXPECT_EQ(blobs("team--plain").size(), 2u);
  EXPECT_EQ(text_of(settings_.cache / "CACHEDIR.TAG").substr(0, 10), "Signature:");
  EXPECT_EQ(std::distance(fs::directory_iterator(settings_.cache / ".locks/models--team--plain"),
                          fs::directory_iterator()),
            2);
  EXPECT_THAT(lines_.all, HasSubstr("model.safetensors (3.0 MB)"));
  EXPECT_THAT(lines_.last, HasSubstr("MB/s"));
  EXPECT_EQ(lines_.most, 3) << "the bar counts megabytes";
  const std::string first = requests();
  EXPECT_EQ(count(first, "storage GET"), 1u) << first;

  EXPECT_EQ(get("team/plain"), snapshot);
  const std::string second = requests();
  EXPECT_EQ(second, "hub HEAD /team/plain/resolve/main/config.json token=- range=-\n");
}

TEST_F(Hub, RevisionsByBranchTagAndCommit) {
  const auto main = get("team/plain");
  const auto tag = get("team/plain@v1.0");
  EXPECT_EQ(tag.filename(), kOldCommit);
  EXPECT_EQ(text_of(folder("team--plain") / "refs/v1.0"), kOldCommit);
  EXPECT_EQ(get("team/plain@feature/x"), main);
  EXPECT_EQ(text_of(folder("team--plain") / "refs/feature/x"), kCommit);
  EXPECT_THAT(requests(), HasSubstr("/resolve/feature%2Fx/"));
  EXPECT_EQ(get("team/plain@" + kOldCommit), tag);
  EXPECT_EQ(requests(), "") << "a commit never changes";
  EXPECT_FALSE(fs::exists(folder("team--plain") / "refs" / kOldCommit));
  fs::remove_all(settings_.cache);
  EXPECT_EQ(get("team/plain@" + kCommit), main);
  EXPECT_FALSE(fs::exists(folder("team--plain") / "refs"));
}

TEST_F(Hub, ShardsOfARepositoryWithoutOwner) {
  const auto snapshot = get("sharded");
  EXPECT_EQ(snapshot.parent_path().parent_path().filename(), "models--sharded");
  EXPECT_EQ(find_weight_files(snapshot).size(), 2u);
  for (const auto& shard : find_weight_files(snapshot)) SafetensorsFile::read(shard);
  requests();
  get("sharded");
  EXPECT_EQ(count(requests(), "\n"), 1u) << "that there is no model.safetensors is remembered";
  EXPECT_TRUE(fs::exists(folder("sharded") / ".no_exist" / kCommit / "model.safetensors"));
}

TEST_F(Hub, WeightsWithoutAConfig) {
  const auto snapshot = get("team/bare");
  EXPECT_TRUE(fs::exists(snapshot / "model.safetensors"));
  EXPECT_FALSE(fs::exists(snapshot / "config.json"));
  EXPECT_EQ(text_of(folder("team--bare") / "refs/main"), kCommit);
}

TEST_F(Hub, ModelsOfTransformersBringTheirTokenizer) {
  const auto files = [&](const std::string& repository) {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(get(repository)))
      names.insert(entry.path().filename().string());
    names.erase("config.json");
    names.erase("model.safetensors");
    return names;
  };
  using Names = std::set<std::string>;
  EXPECT_EQ(files("team/fast"), (Names{"tokenizer.json", "tokenizer_config.json"}));
  EXPECT_EQ(files("team/words"), (Names{"vocab.txt", "added_tokens.json"}));
  EXPECT_EQ(files("team/marian"),
            (Names{"vocab.json", "source.spm", "target.spm", "generation_config.json"}));
  EXPECT_EQ(files("team/vision"), Names{});
  requests();
  for (const char* name : {"team/fast", "team/words", "team/marian", "team/vision"}) {
    get(name);
    EXPECT_EQ(count(requests(), "\n"), 1u) << "what is not there is remembered: " << name;
    get(name + ("@" + kCommit));
    EXPECT_EQ(requests(), "") << name;
  }
}

// Of a cache that was filled before tokenizers were fetched, or by other programs.
TEST_F(Hub, ATokenizerThatTheCacheLacksIsFetched) {
  const auto snapshot = get("team/words@" + kCommit);
  fs::remove(snapshot / "vocab.txt");
  fs::remove_all(folder("team--words") / ".no_exist");
  EXPECT_TRUE(fs::exists(get("team/words@" + kCommit) / "vocab.txt"));
}

TEST_F(Hub, TheOtherHalfOfATokenizerThatTheCacheLacksIsFetched) {
  const auto snapshot = get("team/marian@" + kCommit);
  for (const char* name : {"target.spm", "generation_config.json"}) {
    fs::remove(snapshot / name);
    EXPECT_TRUE(fs::exists(get("team/marian@" + kCommit) / name)) << name;
  }
}

TEST_F(Hub, ARenamedRepositoryIsFollowed) {
  const auto snapshot = get("renamed");
  expect_whole(snapshot);
  EXPECT_EQ(snapshot.parent_path().parent_path(), folder("renamed"));
}

TEST_F(Hub, ACutConnectionIsResumed) {
  expect_whole(get("team/cut"));
  const std::string asked = requests();
  EXPECT_EQ(count(asked, "storage GET"), 3u) << asked;
  EXPECT_THAT(asked, AllOf(HasSubstr("range=bytes=1000026-"), HasSubstr("range=bytes=1666710-")));
  EXPECT_THAT(lines_.all, HasSubstr("trying again"));
}

TEST_F(Hub, WhatAnEarlierProcessLeftIsResumed) {
  const auto snapshot = get("team/plain");
  const fs::path blob =
      folder("team--plain") / "blobs" / sha256_of_file(snapshot / "model.safetensors");
  const std::string content = text_of(blob);
  for (const std::string& part : {content.substr(0, 1000), content, std::string(1000, 'x'),
                                  content + "more", std::string()}) {
    fs::remove(blob);
    write_file_atomic(blob.string() + ".incomplete", part);
    requests();
    get("team/plain");
    EXPECT_EQ(text_of(blob), content);
    EXPECT_EQ(blobs("team--plain").size(), 2u);
  }
}

TEST_F(Hub, AServerWithoutRangesStartsOver) {
  expect_whole(get("team/no-range"));
  EXPECT_EQ(count(requests(), "storage GET"), 2u);
  expect_whole(get("team/bad-range"));  // a part that does not follow
  EXPECT_EQ(count(requests(), "storage GET"), 3u);
}

TEST_F(Hub, GivesUpInTheEndAndKeepsThePart) {
  settings_.attempts = 3;
  EXPECT_THAT(refused<TryAgainError>("team/cut-always"), HasSubstr("model.safetensors"));
  EXPECT_EQ(count(requests(), "storage GET"), 4u)
      << "failures are counted anew after each megabyte";
  EXPECT_THAT(blobs("team--cut-always"), ::testing::Contains(::testing::EndsWith(".incomplete")));
  EXPECT_THAT(refused<TryAgainError>("team/storage-down"), HasSubstr("503"));
  EXPECT_EQ(count(requests(), "storage GET"), 3u);
}

TEST_F(Hub, WrongBytesLeaveNoBlob) {
  EXPECT_THAT(refused<DataError>("team/bad-size"),
              ContainsRegex("expected 3000080 bytes, got 3000070"));
  EXPECT_THAT(refused<DataError>("team/too-long"), HasSubstr("got more"));
  EXPECT_THAT(refused<DataError>("team/bad-hash"), HasSubstr("SHA-256"));
  for (const char* name : {"team--bad-size", "team--too-long", "team--bad-hash"}) {
    EXPECT_EQ(blobs(name).size(), 1u) << "config.json alone: " << name;
    EXPECT_FALSE(fs::exists(folder(name) / "snapshots" / kCommit / "model.safetensors"));
  }
}

TEST_F(Hub, NoAccessNamesTheRemedy) {
  EXPECT_THAT(refused<IoError>("team/private"), AllOf(HasSubstr("401"), HasSubstr("HF_TOKEN")));
  EXPECT_THAT(refused<IoError>("team/gated"), AllOf(HasSubstr("gated"), HasSubstr("HF_TOKEN"),
                                                    HasSubstr(settings_.endpoint + "/team/gated")));
  EXPECT_THAT(refused<IoError>("team/absent"), HasSubstr("does not exist"));
  settings_.token = "hf_other";
  EXPECT_THAT(refused<IoError>("team/private"), Not(HasSubstr("hf_other")));
  settings_.token = "hf_secret";
  expect_whole(get("team/private"));
  expect_whole(get("team/gated"));
}

TEST_F(Hub, TheTokenGoesToTheHubAlone) {
  settings_.token = "hf_secret";
  get("team/plain");
  get("renamed");
  const std::string asked = requests();
  std::istringstream lines(asked);
  size_t hub = 0, storage = 0;
  for (std::string line; std::getline(lines, line);) {
    const bool with_token = line.find("token=Bearer_hf_secret") != std::string::npos;
    const bool at_hub = line.starts_with("hub ");
    EXPECT_EQ(with_token, at_hub) << line;
    ++(at_hub ? hub : storage);
  }
  EXPECT_GT(hub, 4u);
  EXPECT_EQ(storage, 2u);
}

TEST_F(Hub, WhatIsNotThereIsNamed) {
  EXPECT_THAT(refused<IoError>("team/plain@v9"), AllOf(HasSubstr("'v9'"), HasSubstr("team/plain")));
  EXPECT_THAT(refused<DataError>("team/lost-shard"), HasSubstr("model-1.safetensors"));
  EXPECT_THAT(refused<DataError>("team/evil-index"), HasSubstr("evil.safetensors"));
  EXPECT_THAT(refused<DataError>("team/evil-index"), HasSubstr("evil.safetensors")) << "again";
  EXPECT_THAT(refused<DataError>("team/evil-etag"), HasSubstr("ETag"));
  EXPECT_THAT(refused<IoError>("team/no-hub"), HasSubstr("X-Repo-Commit"));
  EXPECT_FALSE(fs::exists(root_ / "evil.safetensors"));
}

TEST_F(Hub, PicklesAreRefusedWithTheCommandThatConvertsThem) {
  EXPECT_THAT(refused<DataError>("team/pickle"),
              AllOf(HasSubstr("python -c"), HasSubstr("hf_hub_download('team/pickle', "
                                                      "'pytorch_model.bin', revision='" +
                                                      kCommit + "')")));
  EXPECT_THAT(refused<DataError>("team/pth"), HasSubstr("'net.pth'"));
  EXPECT_EQ(count(requests(), "storage GET"), 0u);
}

TEST_F(Hub, ABusyServerIsWaitedFor) {
  const auto start = std::chrono::steady_clock::now();
  expect_whole(get("team/limited"));
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::seconds(1)) << "Retry-After: 1";
  EXPECT_THAT(refused<TryAgainError>("team/limited-long"),
              AllOf(HasSubstr("429"), HasSubstr("3600 s")));
  requests();
  EXPECT_THAT(refused<TryAgainError>("team/down"), HasSubstr("503"));
  EXPECT_EQ(count(requests(), "hub HEAD"), 5u);
}

TEST_F(Hub, OfflineMeansTheCacheAlone) {
  settings_.offline = true;
  EXPECT_THAT(refused<IoError>("team/plain"), HasSubstr("HF_HUB_OFFLINE"));
  settings_.offline = false;
  const auto snapshot = get("team/plain");
  const auto shards = get("team/sharded");
  requests();
  settings_.offline = true;
  EXPECT_EQ(get("team/plain"), snapshot);
  EXPECT_EQ(get("team/plain@" + kCommit), snapshot);
  EXPECT_EQ(get("team/sharded"), shards);
  EXPECT_THAT(refused<IoError>("team/plain@v1.0"), HasSubstr("team/plain@v1.0"));
  fs::remove(shards / "model-00002-of-00002.safetensors");
  EXPECT_THAT(refused<IoError>("team/sharded"), HasSubstr("model-00002-of-00002.safetensors"));
  EXPECT_EQ(requests(), "");
}

TEST_F(Hub, WithoutNetworkTheCacheServes) {
  const auto snapshot = get("team/plain");
  settings_.endpoint = "http://127.0.0.1:9";  // nobody listens
  lines_.all.clear();
  EXPECT_EQ(get("team/plain"), snapshot);
  EXPECT_THAT(lines_.all, HasSubstr("from the cache"));
  EXPECT_EQ(get("team/plain@" + kCommit), snapshot);
  refused<TryAgainError>("team/plain@v1.0");
  refused<TryAgainError>("team/bare");
}

TEST_F(Hub, ACacheThatCannotBeWrittenServes) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  const auto snapshot = get("team/plain");
  const auto writable = [&](bool yes) {
    const auto set = [&](const fs::path& path) {
      fs::permissions(path, fs::perms::owner_write,
                      yes ? fs::perm_options::add : fs::perm_options::remove);
    };
    for (const auto& entry : fs::recursive_directory_iterator(settings_.cache))
      if (entry.is_directory() && !entry.is_symlink()) set(entry.path());
  };
  writable(false);
  EXPECT_EQ(get("team/plain"), snapshot);
  EXPECT_EQ(get("team/plain@feature/x"), snapshot);
  refused<IoError>("team/plain@v1.0");
  writable(true);
}

TEST_F(Hub, ADamagedBlobIsFetchedAgain) {
  const auto snapshot = get("team/plain");
  fs::resize_file(fs::canonical(snapshot / "config.json"), 3);
  EXPECT_EQ(get("team/plain"), snapshot);
  EXPECT_THAT(text_of(snapshot / "config.json"), HasSubstr("resnet20"));
  fs::remove(fs::canonical(snapshot / "model.safetensors"));  // the link leads nowhere
  expect_whole(get("team/plain"));
}

TEST_F(Hub, TwoProcessesFetchOnce) {
  std::vector<pid_t> children;
  for (int i = 0; i < 2; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      try {
        ::_exit(fs::file_size(get("team/slow") / "model.safetensors") == kSize ? 0 : 1);
      } catch (...) {
        ::_exit(2);
      }
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  }
  EXPECT_EQ(count(requests(), "storage GET"), 1u);
  expect_whole(folder("team--slow") / "snapshots" / kCommit);
  EXPECT_EQ(blobs("team--slow").size(), 2u);
}

TEST_F(Hub, AKilledDownloadIsFinishedByTheNext) {
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      get("team/slow");
    } catch (...) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  const auto is_part = [&] {  // of the weights, not of config.json
    for (const auto& name : blobs("team--slow")) {
      std::error_code error;  // the file may get its final name meanwhile
      const auto size = fs::file_size(folder("team--slow") / "blobs" / name, error);
      if (name.ends_with(".incomplete") && !error && size >= 100'000) return true;
    }
    return false;
  };
  for (int i = 0; i < 1000 && !is_part(); ++i) ::usleep(5000);
  ASSERT_TRUE(is_part());
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  requests();
  expect_whole(get("team/slow"));
  EXPECT_THAT(requests(), HasSubstr("range=bytes="));
}

}  // namespace
}  // namespace braid::io
