// huggingface_hub and braid find each other's files and respect each other's locks.
#include <cstdlib>

#include "braid/io/atomic_file.h"
#include "tests/io/hub/hub_fixture.h"

namespace braid::io {
namespace {

using ::testing::HasSubstr;

// huggingface_hub itself, where the project's Python has it.
class HubAndPython : public Hub {
 protected:
  void SetUp() override {
    Hub::SetUp();
    if (IsSkipped()) return;
    if (python("import huggingface_hub") != 0)
      GTEST_SKIP() << "no huggingface_hub in .venv: pip install huggingface_hub";
  }
  // The exit status; what it prints goes to the file `out`.
  int python(const std::string& code) const {
    fs::create_directories(root_);
    return std::system(("HF_HUB_CACHE=" + settings_.cache.string() + " HF_HOME=" +
                        (root_ / "home").string() + " HF_ENDPOINT=" + settings_.endpoint +
                        " HF_HUB_DISABLE_XET=1 HF_HUB_DISABLE_TELEMETRY=1 " BRAID_TEST_SOURCE_DIR
                        "/../.venv/bin/python -c \"" +
                        code + "\" >" + (root_ / "out").string() + " 2>&1")
                           .c_str());
  }
};

TEST_F(HubAndPython, FindsWhatBraidDownloaded) {
  const auto snapshot = get("team/plain");
  get("team/plain@feature/x");
  requests();
  for (const char* revision : {"main", "feature/x", kCommit.c_str()})
    for (const char* name : {"config.json", "model.safetensors"}) {
      ASSERT_EQ(
          python("import huggingface_hub as h; print(h.hf_hub_download('team/plain', '" +
                 std::string(name) + "', revision='" + revision + "', local_files_only=True))"),
          0)
          << text_of(root_ / "out");
      EXPECT_EQ(text_of(root_ / "out"), (snapshot / name).string() + "\n");
    }
  EXPECT_EQ(requests(), "");
  ASSERT_EQ(python("import huggingface_hub as h; print(h.hf_hub_download('team/plain', "
                   "'model.safetensors')); print(len(h.scan_cache_dir().warnings))"),
            0);
  EXPECT_EQ(text_of(root_ / "out"), (snapshot / "model.safetensors").string() + "\n0\n");
  EXPECT_EQ(count(requests(), "GET"), 0u) << "online it asks, and fetches nothing";
}

TEST_F(HubAndPython, BraidFindsWhatItDownloaded) {
  for (const char* name : {"config.json", "model.safetensors"})
    ASSERT_EQ(python("import huggingface_hub as h; h.hf_hub_download('team/plain', '" +
                     std::string(name) + "', revision='feature/x')"),
              0)
        << text_of(root_ / "out");
  requests();
  const auto snapshot = get("team/plain@feature/x");
  EXPECT_EQ(count(requests(), "GET"), 0u);
  expect_whole(snapshot);
  settings_.offline = true;
  EXPECT_EQ(get("team/plain@feature/x"), snapshot);
}

TEST_F(HubAndPython, TheLockIsFilelocks) {
  const auto snapshot = get("team/plain");
  const fs::path blob = fs::canonical(snapshot / "model.safetensors");
  fs::remove(blob);
  const std::string lock =
      settings_.cache / ".locks/models--team--plain" / (blob.filename().string() + ".lock");
  const fs::path held = root_ / "held";
  write_file_atomic(root_ / "hold.py", "import filelock, pathlib, time\nwith filelock.FileLock('" +
                                           lock + "'):\n    pathlib.Path('" + held.string() +
                                           "').touch()\n    time.sleep(1)\n");
  ASSERT_EQ(std::system((BRAID_TEST_SOURCE_DIR "/../.venv/bin/python " +
                         (root_ / "hold.py").string() + " &")
                            .c_str()),
            0);
  for (int i = 0; i < 2000 && !fs::exists(held); ++i) ::usleep(5000);
  ASSERT_TRUE(fs::exists(held));
  expect_whole(get("team/plain"));
  EXPECT_THAT(lines_.all, HasSubstr("Waiting for another process"));
}

}  // namespace
}  // namespace braid::io
