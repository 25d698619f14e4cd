// One writer per folder.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>

#include "braid/core/error.h"
#include "braid/io/posix_file.h"

namespace braid::io {
namespace {

namespace fs = std::filesystem;

class FolderLockTest : public ::testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path folder_ = fs::temp_directory_path() / ("braid_lock_" + std::to_string(::getpid()));
};

TEST_F(FolderLockTest, HasOneHolderAtATime) {
  EXPECT_FALSE(is_locked(folder_));
  EXPECT_FALSE(is_locked(folder_ / "nowhere"));
  std::optional<FolderLock> first(folder_);
  EXPECT_TRUE(is_locked(folder_));
  try {
    const FolderLock second(folder_);
    FAIL() << "no error";
  } catch (const TryAgainError& e) {
    EXPECT_THAT(e.what(), ::testing::HasSubstr(folder_.string()));
  }
  EXPECT_TRUE(is_locked(folder_)) << "asking does not release it";
  first.reset();
  EXPECT_FALSE(is_locked(folder_));
  const FolderLock again(folder_);
}

TEST_F(FolderLockTest, AKillReleasesIt) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const FolderLock lock(folder_);
    if (::write(ready[1], "x", 1) == 1) ::pause();
    ::_exit(1);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_TRUE(is_locked(folder_));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_FALSE(is_locked(folder_));
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_F(FolderLockTest, AFolderThatIsNotThereIsAnIoError) {
  EXPECT_THROW(FolderLock(folder_ / "nowhere"), IoError);
}

}  // namespace
}  // namespace braid::io
