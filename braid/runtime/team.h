// The threads that compute, when other work takes processors away.
//
// A team waits for its slowest thread at the end of every operator, some hundred times a step: one
// busy process on two cores leaves a team of two a seventh of its speed, and a team of one nearly
// all of a core's (docs/benchmarks.md has the figures). So a training whose budget is time sheds
// threads where that is faster, and tries the whole team again from time to time. The number of
// threads decides the order of sums: trainings that shall be repeatable keep theirs.
#pragma once
#include <cstdint>

namespace braid::runtime {

// Of a stretch of work.
struct TeamWork {
  double items = 0;
  double seconds = 0;
  double waited = 0;  // seconds that threads of the process waited for a processor
  double idle = 0;    // seconds that processors stood idle
};

// The rule alone. Where threads wait, it tries one fewer for half a second, then two, four and so
// on, and keeps what is a tenth faster; once processors stand idle it tries all of them again the
// same way, or else one more. What did not pay is tried ever more seldom.
class TeamPolicy {
 public:
  explicit TeamPolicy(int64_t most) : most_(most), size_(most) {}

  int64_t size() const { return size_; }
  int64_t most() const { return most_; }
  // Whether the size is being tried and may be taken back.
  bool on_trial() const { return on_trial_; }
  // After every step.
  void observe(const TeamWork& step);

 private:
  struct Trials {
    double wait = 0;   // until the next one, seconds
    double after = 0;  // in the policy's own time
  };
  void begin_window();
  void begin_trial(int64_t size);
  void end_trial(double rate);
  void end_window();

  int64_t most_, size_, kept_size_ = 0;
  bool on_trial_ = false;
  double now_ = 0, kept_rate_ = 0, trial_begin_ = 0;
  Trials fewer_, more_;
  int64_t fewer_by_ = 1;   // threads, of the next trial
  bool one_more_ = false;  // whether the next trial of more threads has one more, not all
  TeamWork window_;
  int64_t steps_ = 0;  // of the window, with the first, which does not count
};

// Sets LibTorch's threads by the rule, from the thread that computes.
class Team {
 public:
  // Of as many threads as there are now.
  Team();

  // Until the end of its scope the team's threads compute, then as many as before.
  class Working {
   public:
    explicit Working(Team* team);  // nullptr: nothing changes
    ~Working();
    Working(const Working&) = delete;
    Working& operator=(const Working&) = delete;

   private:
    int before_;
  };

  // After every step. Returns whether the team is another from here on, for good.
  bool observe(double items, double seconds);
  int64_t size() const { return policy_.size(); }
  int64_t most() const { return policy_.most(); }

 private:
  void look_from_here();  // at how long threads wait
  void look_at_machine(TeamWork& step);

  TeamPolicy policy_;
  int64_t said_;
  double waited_before_ = 0, idle_before_ = 0, asked_after_ = 0;
};

}  // namespace braid::runtime
