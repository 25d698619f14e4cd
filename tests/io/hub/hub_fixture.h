// A hub on this machine (serve.py beside this file) and a cache of a test's own.
#pragma once
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>

#include "braid/io/digest.h"
#include "braid/io/hub.h"
#include "braid/io/safetensors.h"

namespace braid::io {

namespace fs = std::filesystem;

inline const std::string kCommit = std::string(39, 'c') + "1";
inline const std::string kOldCommit = std::string(39, 'c') + "0";
constexpr uint64_t kSize = 3'000'080;  // bytes of a large file: serve.py's data and its header

inline std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream content;
  content << in.rdbuf();
  return content.str();
}

// hub/serve.py as a child, until this object ends.
class Server {
 public:
  explicit Server(const fs::path& log) {
    int to_child[2], from_child[2];
    if (::pipe(to_child) != 0 || ::pipe(from_child) != 0) return;
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(to_child[0], STDIN_FILENO);
      ::dup2(from_child[1], STDOUT_FILENO);
      for (const int fd : {to_child[0], to_child[1], from_child[0], from_child[1]}) ::close(fd);
      ::execlp("python3", "python3", BRAID_TEST_SOURCE_DIR "/io/hub/serve.py", log.c_str(),
               nullptr);
      ::_exit(127);
    }
    ::close(to_child[0]);
    ::close(from_child[1]);
    input_ = to_child[1];
    ::fcntl(input_, F_SETFD, FD_CLOEXEC);
    std::string line;
    char c = 0;
    while (::read(from_child[0], &c, 1) == 1 && c != '\n') line += c;
    ::close(from_child[0]);
    std::istringstream(line) >> hub_port_;
  }
  ~Server() {
    ::close(input_);
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
  }
  bool ok() const { return hub_port_ > 0; }
  std::string address() const { return "http://127.0.0.1:" + std::to_string(hub_port_); }

 private:
  pid_t pid_ = -1;
  int input_ = -1, hub_port_ = 0;
};

class Lines : public Progress {
 public:
  void line(const std::string& text) override { all += text + "\n"; }
  void update(int64_t done, const std::string& text) override {
    most = std::max(most, done);
    last = text;
  }
  std::string all, last;
  int64_t most = 0;
};

class Hub : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    log_ = fs::temp_directory_path() / ("braid_hub_log_" + std::to_string(::getpid()));
    server_ = std::make_unique<Server>(log_);
  }
  static void TearDownTestSuite() {
    server_.reset();
    fs::remove(log_);
  }
  void SetUp() override {
    if (!server_->ok()) GTEST_SKIP() << "no python3";
    root_ = fs::temp_directory_path() /
            ("braid_hub_" +
             std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()) + "_" +
             std::to_string(::getpid()));
    fs::remove_all(root_);
    settings_.endpoint = server_->address();
    settings_.cache = root_ / "hub";
    settings_.first_wait = std::chrono::milliseconds(5);
    seen_ = text_of(log_).size();
  }
  void TearDown() override { fs::remove_all(root_); }

  fs::path get(const std::string& spec) {
    return resolve_hub(parse_hub_spec("hf-hub:" + spec), settings_, lines_);
  }
  // What the server was asked since the last call.
  std::string requests() {
    const std::string all = text_of(log_);
    return all.substr(std::exchange(seen_, all.size()));
  }
  static size_t count(const std::string& text, const std::string& what) {
    size_t n = 0;
    for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
    return n;
  }
  template <class Error>
  std::string refused(const std::string& spec) {
    try {
      get(spec);
      ADD_FAILURE() << spec << ": no error";
    } catch (const Error& e) {
      return e.what();
    } catch (const std::exception& e) {
      ADD_FAILURE() << spec << ": another error: " << e.what();
    }
    return "";
  }
  fs::path folder(const std::string& name) const { return settings_.cache / ("models--" + name); }
  // Blobs and parts of blobs.
  std::vector<std::string> blobs(const std::string& name) const {
    std::vector<std::string> names;
    if (fs::exists(folder(name) / "blobs"))
      for (const auto& entry : fs::directory_iterator(folder(name) / "blobs"))
        names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }
  static void expect_whole(const fs::path& snapshot) {
    const auto file = SafetensorsFile::read(snapshot / "model.safetensors");
    EXPECT_EQ(file.tensors().size(), 1u);
    const fs::path blob = fs::read_symlink(snapshot / "model.safetensors");
    EXPECT_EQ(blob.parent_path(), "../../blobs");
    EXPECT_EQ(blob.filename(), sha256_of_file(snapshot / "model.safetensors"));
  }

  static inline std::unique_ptr<Server> server_;
  static inline fs::path log_;
  fs::path root_;
  HubSettings settings_;
  Lines lines_;
  size_t seen_ = 0;
};

}  // namespace braid::io
