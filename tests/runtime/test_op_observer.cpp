// Watching operators: nesting, exceptions.
#include "braid/runtime/op_observer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "braid/torch.h"

namespace braid::runtime {
namespace {

class Recorder final : public OpWatcher {
 public:
  std::unique_ptr<at::ObserverContext> before(const at::RecordFunction& op) override {
    names.emplace_back(op.name());
    (void)torch::ones({1});  // the watcher's own operators are nobody's business
    return nullptr;
  }
  void after(const at::RecordFunction&, at::ObserverContext*) override { ++finished; }
  int64_t count(const std::string& name) const {
    return std::count(names.begin(), names.end(), name);
  }
  std::vector<std::string> names;
  int64_t finished = 0;
};

TEST(OpObserver, SeesTheOperatorsOfItsScope) {
  const auto x = torch::ones({2, 2});
  Recorder recorder;
  {
    const OpObserver observer(recorder);
    (void)x.matmul(x);
  }
  (void)x.matmul(x);
  EXPECT_EQ(recorder.count("aten::matmul"), 1);
  EXPECT_EQ(recorder.count("aten::ones"), 0);
  EXPECT_EQ(recorder.finished, static_cast<int64_t>(recorder.names.size()));
}

TEST(OpObserver, EndsWithAnException) {
  const auto x = torch::ones({2, 3});
  Recorder recorder;
  EXPECT_THROW(
      {
        const OpObserver observer(recorder);
        (void)x.matmul(x);  // shapes that do not fit
      },
      c10::Error);
  const auto seen = recorder.names.size();
  (void)x.add(x);
  EXPECT_EQ(recorder.names.size(), seen);
  EXPECT_FALSE(at::hasThreadLocalCallbacks());
}

TEST(OpObserver, AnInnerOneTakesItsPlaceForAWhile) {
  const auto x = torch::ones({2, 2});
  Recorder outer, inner;
  const OpObserver observer(outer);
  {
    const OpObserver nested(inner);
    (void)x.matmul(x);
  }
  (void)x.add(x);
  EXPECT_EQ(inner.count("aten::matmul"), 1);
  EXPECT_EQ(outer.count("aten::matmul"), 0);
  EXPECT_EQ(outer.count("aten::add"), 1);
}

}  // namespace
}  // namespace braid::runtime
