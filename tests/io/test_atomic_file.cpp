// Files and folders that are the old or the new ones, whatever happens while they are written.
#include "braid/io/atomic_file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>

#include "braid/core/error.h"

namespace {
bool can_exchange = true;
}

// In place of the system's: what cannot exchange names, such as NFS, says EINVAL.
extern "C" int renameat2(int from_folder, const char* from, int to_folder, const char* to,
                         unsigned int flags) noexcept {
  if (!can_exchange && flags != 0) {
    errno = EINVAL;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
}

namespace braid::io {
namespace {

namespace fs = std::filesystem;

class AtomicFile : public ::testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path folder_ = fs::temp_directory_path() / ("braid_atomic_" + std::to_string(::getpid()));

  // Runs `work` in a child and kills it after so many microseconds.
  template <class Work>
  void kill_within(Work work, useconds_t delay) const {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      work();
      ::_exit(0);
    }
    ::usleep(delay);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
};

// Of processes that are gone, and of no others: another machine's have numbers of their own.
TEST_F(AtomicFile, WhatAKilledProcessLeftIsCleared) {
  const auto file = folder_ / "f";
  const std::string large(30'000'000, 'a');
  const auto temporaries = [&] {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_))
      if (entry.path().filename() != "f") names.push_back(entry.path().filename().string());
    return names;
  };
  for (useconds_t delay = 500; temporaries().empty() && delay < 100'000; delay += 500)
    kill_within(
        [&] {
          for (;;) write_file_atomic(file, large);
        },
        delay);
  ASSERT_EQ(temporaries().size(), 1U);
  const auto left = temporaries().front();  // "f.tmp123-0123abcd"
  const auto here = left.substr(left.find('-'));
  const std::vector<std::string> others = {
      "f.tmp" + std::to_string(::getppid()) + here,  // lives
      left.substr(0, left.find('-')) + "-00000000",  // is of another machine
      left.substr(0, left.find('-')),
      "f.tmp0" + here,
      "f.tmpx" + here,
      "g" + left.substr(1)};
  for (const auto& name : others) std::ofstream(folder_ / name) << "x";
  write_file_atomic(file, "b");
  EXPECT_FALSE(fs::exists(folder_ / left));
  for (const auto& name : others) EXPECT_TRUE(fs::exists(folder_ / name)) << name;
}

TEST_F(AtomicFile, AKillLeavesTheOldOrTheNewContent) {
  const auto file = folder_ / "f";
  const std::string a(3'000'000, 'a'), b(3'000'000, 'b');
  write_file_atomic(file, a);
  for (int i = 0; i < 40; ++i) {
    kill_within(
        [&] {
          for (int k = 0; k < 100; ++k) write_file_atomic(file, k % 2 == 0 ? b : a);
        },
        static_cast<useconds_t>(500 + 700 * i));
    const auto bytes = read_file(file);
    ASSERT_EQ(bytes.size(), a.size());
    ASSERT_TRUE(std::equal(bytes.begin() + 1, bytes.end(), bytes.begin())) << "mixed content";
  }
}

TEST_F(AtomicFile, AKillLeavesTheOldOrTheNewFolder) {
  const auto target = folder_ / "checkpoint";
  const auto fill = [](char c) {
    return [c](const fs::path& fresh) {
      for (const char* name : {"one", "two"})
        write_file_atomic(fresh / name, std::string(200'000, c));
    };
  };
  replace_folder(target, fill('a'));
  for (int i = 0; i < 40; ++i) {
    kill_within(
        [&] {
          for (int k = 0; k < 100; ++k) replace_folder(target, fill(k % 2 == 0 ? 'b' : 'a'));
        },
        static_cast<useconds_t>(500 + 700 * i));
    ASSERT_TRUE(fs::exists(target / "one") && fs::exists(target / "two")) << "after kill " << i;
    ASSERT_EQ(read_file(target / "one"), read_file(target / "two")) << "after kill " << i;
  }
  replace_folder(target, fill('c'));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1)
      << "leftovers are cleared";
}

TEST_F(AtomicFile, AFolderIsReplacedWhereNamesCannotBeExchanged) {
  const auto target = folder_ / "target";
  const auto fill = [](const char* text) {
    return [text](const fs::path& empty) { write_file_atomic(empty / "file", text); };
  };
  can_exchange = false;
  for (const char* text : {"one", "two", "three"}) {
    replace_folder(target, fill(text));
    const auto bytes = read_file(target / "file");
    EXPECT_EQ(std::string(bytes.begin(), bytes.end()), text);
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
  }
  can_exchange = true;
  // As a kill between the two steps leaves it.
  fs::rename(target, folder_ / ".target.old");
  restore_folder(target);
  EXPECT_TRUE(fs::exists(target / "file"));
  EXPECT_FALSE(fs::exists(folder_ / ".target.old"));
  restore_folder(target);
  EXPECT_TRUE(fs::exists(target / "file"));
}

TEST_F(AtomicFile, WhatCannotBeWrittenIsAnIoError) {
  EXPECT_THROW(write_file_atomic("/proc/braid", "x"), IoError);
  EXPECT_THROW(check_writable("/proc/braid", 1), IoError);
  write_file_atomic(folder_ / "file", "x");
  EXPECT_THROW(check_writable(folder_ / "file", 1), IoError) << "a file where a folder is wanted";
  EXPECT_THROW(read_file(folder_ / "nothing"), IoError);
  EXPECT_THROW(read_file(folder_ / "file", 0), DataError) << "too large";
}

TEST_F(AtomicFile, AFullDiskLeavesTheOldContent) {
  write_file_atomic(folder_ / "f", "old");
  const pid_t child = ::fork();
  if (child == 0) {  // a limit on file sizes stands for a full disk
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1000, 1000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    int failures = 0;
    try {
      write_file_atomic(folder_ / "f", std::string(5000, 'n'));
    } catch (const IoError&) {
      ++failures;
    }
    try {
      check_writable(folder_, 5000);
    } catch (const IoError&) {
      ++failures;
    }
    ::_exit(failures);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 2);
  EXPECT_EQ(read_file(folder_ / "f"), (std::vector<uint8_t>{'o', 'l', 'd'}));
}

TEST_F(AtomicFile, AFolderToWriteIntoIsAskedForFirst) {
  check_folder_of(folder_ / "f");
  check_folder_of("f");
  EXPECT_THROW(check_folder_of(folder_ / "missing/f"), IoError);
  EXPECT_THROW(check_folder_of(folder_), IoError) << "a folder is no file";
}

}  // namespace
}  // namespace braid::io
