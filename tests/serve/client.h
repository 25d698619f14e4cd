// A client of raw bytes, and a server on a port of its own.
#pragma once
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cctype>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "braid/core/json.h"
#include "braid/serve/server.h"
#include "tests/serve/fake_model.h"

namespace braid::serve::test {

struct Answer {
  int status = 0;  // 0: the connection ended before a whole answer
  std::map<std::string, std::string> headers{};
  std::string body{};
  Json json() const { return parse_json(body, {.component = "test", .where = "answer"}); }
  std::vector<float> numbers(size_t output = 0) const {
    return json().at("outputs").at(output).at("data").get<std::vector<float>>();
  }
};

class Client {
 public:
  explicit Client(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
    const timeval patience{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  }
  Client(Client&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)),
        connected_(other.connected_),
        read_(std::move(other.read_)) {}
  Client& operator=(Client&&) = delete;
  ~Client() { close(); }

  bool connected() const { return connected_; }
  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }
  // As a process that dies with unread bytes does.
  void reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close();
  }
  void shutdown_send() { ::shutdown(socket_, SHUT_WR); }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  // Until the server closes; true where it did, with nothing more to read.
  bool ended() { return read_.empty() && !receive(); }

  Answer read(bool head_only = false) {
    while (read_.find("\r\n\r\n") == std::string::npos)
      if (!receive()) return {};
    Answer answer;
    const size_t end = read_.find("\r\n\r\n");
    if (read_.compare(0, 9, "HTTP/1.1 ") != 0) return {};
    answer.status = std::stoi(read_.substr(9, 3));
    size_t at = read_.find("\r\n") + 2;
    while (at < end + 2) {
      const size_t line_end = read_.find("\r\n", at);
      const auto line = read_.substr(at, line_end - at);
      auto name = line.substr(0, line.find(':'));
      for (auto& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      answer.headers[name] = line.substr(line.find(':') + 2);
      at = line_end + 2;
    }
    const size_t size =
        head_only || answer.status < 200 ? 0 : std::stoul(answer.headers.at("content-length"));
    while (read_.size() < end + 4 + size)
      if (!receive()) return {};
    answer.body = read_.substr(end + 4, size);
    read_.erase(0, end + 4 + size);
    return answer;
  }

  Answer get(const std::string& path, const std::string& headers = "") {
    send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n");
    return read();
  }
  Answer post(const std::string& path, const std::string& body, const std::string& headers = "") {
    send(post_bytes(path, body, headers));
    return read();
  }
  static std::string post_bytes(const std::string& path, const std::string& body,
                                const std::string& headers = "") {
    return "POST " + path +
           " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n" + headers + "\r\n" + body;
  }

 private:
  bool receive() {
    char block[65536];
    const auto size = ::recv(socket_, block, sizeof(block), 0);
    if (size > 0) read_.append(block, static_cast<size_t>(size));
    return size > 0;
  }

  int socket_;
  bool connected_ = false;
  std::string read_;
};

// Repeats `what` until it is true, for ten seconds.
template <class What>
bool eventually(const What& what) {
  for (int i = 0; i < 1000; ++i) {
    if (what()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

// The request for the fake model's row x0, x1.
inline std::string row_json(float x0, float x1 = 1) {
  return R"({"inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"data":[)" + std::to_string(x0) +
         "," + std::to_string(x1) + "]}]}";
}

class ServerTest : public ::testing::Test {
 protected:
  void start(ServiceOptions options = {}) {
    options.config.port = 0;
    options.config.workers = 2;
    if (options.models.empty() && options.repository.empty())
      options.models = {{.name = "m", .source = "good"}};
    server_ = std::make_unique<Server>(std::move(options), fake_loader(pace_), progress_);
    thread_ = std::jthread([this](const std::stop_token& stop) {
      Progress silent;
      left_ = server_->run(stop, silent);
    });
  }
  // Returns how many requests were left.
  int64_t stop() {
    thread_.request_stop();
    thread_.join();
    return left_;
  }
  void TearDown() override {
    pace_->open();
    if (thread_.joinable()) stop();
  }
  Client client() const { return Client(server_->port()); }
  // A number of the metrics; labels as they stand there.
  double metric(const std::string& name) const {
    const auto text = "\n" + client().get("/metrics").body;
    const auto at = text.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
  }
  double outcome(const std::string& word) const {
    return metric("braid_requests_total{model=\"m\",outcome=\"" + word + "\"}");
  }

  PacePtr pace_ = std::make_shared<Pace>();
  Progress progress_;
  std::unique_ptr<Server> server_;
  int64_t left_ = -1;
  std::jthread thread_;
};

constexpr const char* kInfer = "/v2/models/m/infer";

}  // namespace braid::serve::test
