// Clients that are slow, gone, rude or many.
#include <gmock/gmock.h>
#include <zlib.h>

#include "tests/serve/client.h"

namespace braid::serve::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Clock = std::chrono::steady_clock;

class HttpTest : public ServerTest {
 protected:
  // So that a request of our own waits in the queue.
  Client occupy() {
    pace_->close();
    const auto before = pace_->batches().size();
    auto c = client();
    c.send(Client::post_bytes(kInfer, row_json(100)));
    pace_->wait_for_batches(before + 1);
    return c;
  }
  bool waiting(double count) {
    return eventually([&] { return metric("braid_queue_size{model=\"m\"}") == count; });
  }
};

TEST_F(HttpTest, AnswersPipelinedRequestsInTheirOrder) {
  start();
  auto c = client();
  std::string all;
  for (int i = 0; i < 20; ++i) all += Client::post_bytes(kInfer, row_json(static_cast<float>(i)));
  c.send(all);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(c.read().numbers().at(0), static_cast<float>(i));
}

TEST_F(HttpTest, ReadsRequestsThatComeInPieces) {
  start();
  auto c = client();
  for (const char byte : Client::post_bytes(kInfer, row_json(3))) c.send({&byte, 1});
  EXPECT_THAT(c.read().numbers(), ElementsAre(3, 1, 4));
}

TEST_F(HttpTest, ReadsChunks) {
  start({.config = {.max_body_size = 1000}});
  auto c = client();
  const auto json = row_json(3);
  const std::string head = "POST " + std::string(kInfer) +
                           " HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
  std::string chunks;
  for (size_t i = 0; i < json.size(); i += 7) {
    const auto part = json.substr(i, 7);
    chunks += "0" + std::string(1, "01234567"[part.size()]) + ";x=y\r\n" + part + "\r\n";
  }
  c.send(head + chunks + "0\r\n\r\n");
  EXPECT_THAT(c.read().numbers(), ElementsAre(3, 1, 4));
  c.send(head + "400\r\n" + std::string(0x400, ' ') + "\r\n0\r\n\r\n");
  EXPECT_EQ(c.read().status, 413);
  auto wrong = client();
  wrong.send(head + "zz\r\n");
  EXPECT_EQ(wrong.read().status, 400);
  auto endless = client();
  endless.send(head + "ffffffffffffffff\r\nx");
  EXPECT_THAT(endless.read().status, ::testing::AnyOf(400, 413));
}

// They are no part of the body, and are understood at their end alone.
TEST_F(HttpTest, EndsEndlessExtensionsAndTrailersOfChunks) {
  start({.config = {.max_body_size = 1000}});
  const std::string head = "POST " + std::string(kInfer) +
                           " HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string much(1 << 20, 'x');
  for (const std::string begin : {"4;x=", "4\r\n    \r\n0\r\nX: "}) {
    auto c = client();
    c.send(head + begin);
    c.send(much);  // without an end; fails where the server has closed already
    const auto answer = c.read();
    EXPECT_EQ(answer.status, 400) << begin;
    EXPECT_THAT(answer.body, HasSubstr("Content-Length")) << begin;
  }
  auto c = client();
  c.send(head + "1;x=" + std::string(60'000, 'x') + "\r\n?\r\n0\r\n\r\n");
  EXPECT_THAT(c.read().body, HasSubstr("JSON")) << "a long one is read";
}

TEST_F(HttpTest, RefusesWhatIsTooLarge) {
  start({.config = {.max_body_size = 1000}});
  EXPECT_EQ(client().post(kInfer, std::string(1001, ' ')).status, 413);
  auto announced = client();
  announced.send("POST " + std::string(kInfer) +
                 " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999999\r\n\r\n");
  EXPECT_EQ(announced.read().status, 413);
  EXPECT_TRUE(announced.ended());
  EXPECT_EQ(client().get("/", "X: " + std::string(20000, 'x') + "\r\n").status, 431);
  const std::string zeros(1 << 20, '\0');
  std::string bomb(compressBound(zeros.size()), '\0');
  uLongf size = bomb.size();
  compress(reinterpret_cast<Bytef*>(bomb.data()), &size,
           reinterpret_cast<const Bytef*>(zeros.data()), zeros.size());
  bomb.resize(size);
  bomb.resize(std::min<size_t>(bomb.size(), 1000));
  EXPECT_EQ(client().post(kInfer, bomb, "Content-Encoding: deflate\r\n").status, 413);
}

TEST_F(HttpTest, InflatesBodies) {
  start();
  const auto json = row_json(4);
  std::string zipped(compressBound(json.size()), '\0');
  uLongf size = zipped.size();
  compress(reinterpret_cast<Bytef*>(zipped.data()), &size,
           reinterpret_cast<const Bytef*>(json.data()), json.size());
  zipped.resize(size);
  for (const char* coding : {"deflate", "Deflate", "x-gzip"})
    EXPECT_THAT(client()
                    .post(kInfer, zipped, std::string("Content-Encoding: ") + coding + "\r\n")
                    .numbers(),
                ElementsAre(4, 1, 5))
        << coding;
  EXPECT_EQ(client().post(kInfer, json, "Content-Encoding: gzip\r\n").status, 400);
}

TEST_F(HttpTest, RefusesWhatIsNoHttp) {
  start();
  for (const char* bytes :
       {"\r\n\r\nhello\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"}) {
    auto c = client();
    c.send(bytes);
    c.shutdown_send();
    const auto status = c.read().status;
    EXPECT_THAT(status, ::testing::AnyOf(0, 400)) << bytes;
    c.close();
  }
  EXPECT_EQ(client().get("/v2/health/live").status, 200);
}

TEST_F(HttpTest, EndsSlowHeadsAndBodies) {
  start({.config = {.request_timeout = 0.6, .header_timeout = 0.3}});
  const auto begin = Clock::now();
  auto head = client();
  head.send("GET / HT");
  auto dripping = client();
  dripping.send("GET / HTTP/1.1\r\n");
  auto body = client();
  body.send("POST " + std::string(kInfer) +
            " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc");
  std::thread drip([&] {  // bytes do not buy time
    for (int i = 0; i < 20 && dripping.send("X: y\r\n"); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
  });
  EXPECT_EQ(head.read().status, 408);
  EXPECT_EQ(dripping.read().status, 408);
  EXPECT_LT(Clock::now() - begin, std::chrono::milliseconds(900));
  EXPECT_EQ(body.read().status, 408);
  drip.join();
  EXPECT_TRUE(eventually([&] { return metric("braid_connections_timed_out_total") == 3; }));
}

TEST_F(HttpTest, EndsClientsThatDoNotReadTheirAnswer) {
  start({.config = {.request_timeout = 0.5}, .page = std::string_view()});
  auto c = client();
  std::string all;
  for (int i = 0; i < 3000; ++i) all += "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
  std::thread sending([&] { c.send(all); });
  EXPECT_TRUE(eventually([&] { return metric("braid_connections_timed_out_total") >= 1; }));
  sending.join();
}

TEST_F(HttpTest, ClosesIdleConnections) {
  start({.config = {.keep_alive_timeout = 0.2}});
  auto silent = client();
  auto c = client();
  EXPECT_EQ(c.get("/v2/health/live").status, 200);
  EXPECT_TRUE(silent.ended());
  EXPECT_TRUE(c.ended());
}

TEST_F(HttpTest, SaysContinueWhereItIsAskedTo) {
  start();
  auto c = client();
  const auto json = row_json(3);
  c.send("POST " + std::string(kInfer) +
         " HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n" +
         "Content-Length: " + std::to_string(json.size()) + "\r\n\r\n");
  EXPECT_EQ(c.read().status, 100);
  c.send(json);
  EXPECT_EQ(c.read().status, 200);
  auto old = client();
  old.send("POST " + std::string(kInfer) + " HTTP/1.0\r\nExpect: 100-continue\r\n" +
           "Content-Length: " + std::to_string(json.size()) + "\r\n\r\n" + json);
  EXPECT_EQ(old.read().status, 200);
}

TEST_F(HttpTest, KeepsConnectionsAsTheVersionSays) {
  start();
  auto old = client();
  old.send("GET /v2/health/live HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.read().headers.at("connection"), "close");
  EXPECT_TRUE(old.ended());
  auto kept = client();
  kept.send("GET /v2/health/live HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(kept.read().headers.at("connection"), "keep-alive");
  auto closing = client();
  EXPECT_EQ(closing.get("/v2/health/live", "Connection: close\r\n").status, 200);
  EXPECT_TRUE(closing.ended());
}

TEST_F(HttpTest, AnswersClientsThatHaveClosedTheirHalf) {
  start();
  auto running = occupy();
  auto half = client();
  half.send(Client::post_bytes(kInfer, row_json(5)));
  half.shutdown_send();
  ASSERT_TRUE(waiting(1));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(metric("braid_queue_size{model=\"m\"}"), 1);
  pace_->open();
  EXPECT_THAT(half.read().numbers(), ElementsAre(5, 1, 6));
  EXPECT_TRUE(half.ended());
  EXPECT_EQ(running.read().status, 200);
}

TEST_F(HttpTest, ForgetsClientsThatHaveGone) {
  start();
  auto running = occupy();
  auto closed = client(), reset = client();
  closed.send(Client::post_bytes(kInfer, row_json(5)));
  reset.send(Client::post_bytes(kInfer, row_json(6)));
  ASSERT_TRUE(waiting(2));
  closed.close();
  reset.reset();
  EXPECT_TRUE(waiting(0));
  EXPECT_TRUE(eventually([&] { return outcome("cancelled") == 2; }));
  pace_->open();
  EXPECT_EQ(running.read().status, 200);
  EXPECT_THAT(pace_->batches(), ElementsAre(1));  // nobody computed for them
}

TEST_F(HttpTest, TurnsAwayWhatDoesNotFitIntoTheQueue) {
  start({.config = {.max_queue_size = 1}});
  auto running = occupy();
  auto queued = client(), refused = client();
  queued.send(Client::post_bytes(kInfer, row_json(5)));
  ASSERT_TRUE(waiting(1));
  const auto answer = refused.post(kInfer, row_json(6));
  EXPECT_EQ(answer.status, 503);
  EXPECT_GE(std::stoi(answer.headers.at("retry-after")), 1);
  EXPECT_EQ(refused.get("/v2/health/ready").status, 200);  // the connection lives
  pace_->open();
  EXPECT_EQ(queued.read().status, 200);
  EXPECT_EQ(refused.post(kInfer, row_json(6)).status, 200);
  EXPECT_EQ(outcome("overload"), 1);
}

TEST_F(HttpTest, AnswersWhenADeadlinePasses) {
  start({.config = {.request_timeout = 5}});
  auto running = occupy();
  auto queued = client();
  const auto begin = Clock::now();
  const auto answer =
      queued.post(kInfer, R"({"parameters":{"timeout":100000},)" + row_json(5).substr(1));
  EXPECT_EQ(answer.status, 504);
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(3));
  EXPECT_TRUE(waiting(0));
  EXPECT_TRUE(eventually([&] { return outcome("timeout") == 1; }));
  pace_->open();
  EXPECT_EQ(running.read().status, 200);
  EXPECT_EQ(queued.post(kInfer, row_json(5)).status, 200);
}

TEST_F(HttpTest, HoldsNoMoreThanItsMemory) {
  start({.config = {.max_body_size = 1 << 20, .max_request_memory = 1 << 20}});
  auto running = occupy();
  std::vector<Client> many;
  for (int i = 0; i < 4; ++i) {
    many.push_back(client());
    many.back().send("POST " + std::string(kInfer) +
                     " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n" +
                     std::string(500'000, ' '));
  }
  int refused = 0;
  for (auto& c : many) {
    // Who is not refused waits for the rest.
    c.send(std::string(500'000, ' '));
    c.shutdown_send();
    const int status = c.read().status;
    if (status == 503) ++refused;
    EXPECT_THAT(status, ::testing::AnyOf(503, 400)) << status;
  }
  EXPECT_GE(refused, 1);
  pace_->open();
  many.clear();
  running.read();
  EXPECT_TRUE(eventually([&] { return metric("braid_request_memory_bytes") == 0; }));
}

TEST_F(HttpTest, CountsWhatIsMadeOfARequest) {
  start({.config = {.max_request_memory = 8 << 20}});
  std::string lists = "[]";
  for (int i = 0; i < 200'000; ++i) lists += ",[]";
  const auto parsed =
      client().post(kInfer, R"({"inputs":[)" + lists + "]}");  // of 600 kB, some 16 MB
  EXPECT_EQ(parsed.status, 503);
  EXPECT_THAT(parsed.body, HasSubstr("bytes of requests"));
  const auto heavy = client().post(kInfer, "heavy", "Inference-Header-Content-Length: 0\r\n");
  EXPECT_EQ(heavy.status, 503);
  EXPECT_EQ(client().post(kInfer, row_json(5)).status, 200);
  EXPECT_TRUE(eventually([&] { return metric("braid_request_memory_bytes") == 0; }));
}

TEST_F(HttpTest, RefusesConnectionsBeyondItsLimit) {
  start({.config = {.max_connections = 3}});
  auto a = client(), b = client(), c = client();
  EXPECT_EQ(a.get("/v2/health/live").status, 200);
  EXPECT_EQ(b.get("/v2/health/live").status, 200);
  EXPECT_EQ(c.get("/v2/health/live").status, 200);
  EXPECT_EQ(client().get("/v2/health/live").status, 0);
  a.close();
  EXPECT_TRUE(eventually([&] { return client().get("/v2/health/live").status == 200; }));
}

TEST_F(HttpTest, DrainsBeforeItEnds) {
  start();
  auto idle = client();
  EXPECT_EQ(idle.get("/v2/health/ready").status, 200);
  auto running = occupy();
  auto queued = client();
  queued.send(Client::post_bytes(kInfer, row_json(5)));
  ASSERT_TRUE(waiting(1));
  thread_.request_stop();
  ASSERT_TRUE(eventually([&] { return !client().connected(); }));
  EXPECT_TRUE(idle.ended());
  pace_->open();
  const auto answer = queued.read();
  EXPECT_THAT(answer.numbers(), ElementsAre(5, 1, 6));
  EXPECT_EQ(answer.headers.at("connection"), "close");
  EXPECT_EQ(running.read().status, 200);
  EXPECT_EQ(stop(), 0);
}

TEST_F(HttpTest, GivesUpWhereDrainingTakesTooLong) {
  start({.config = {.drain_timeout = 0.2}});
  auto running = occupy();
  auto queued = client();
  queued.send(Client::post_bytes(kInfer, row_json(5)));
  ASSERT_TRUE(waiting(1));
  thread_.request_stop();
  EXPECT_TRUE(queued.ended());
  pace_->open();  // a batch that runs cannot be stopped
  EXPECT_EQ(stop(), 2);
}

TEST_F(HttpTest, HoldsManyConnections) {
  start();
  std::vector<Client> many;
  for (int i = 0; i < 400; ++i) many.push_back(client());
  for (auto& c : many) EXPECT_EQ(c.get("/v2/health/live").status, 200);
  EXPECT_GE(metric("braid_connections"), 400);
  many.clear();
  EXPECT_TRUE(eventually([&] { return metric("braid_connections") <= 1; }));
}

}  // namespace
}  // namespace braid::serve::test
