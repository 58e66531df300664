#include "base/child_process.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ATen/Parallel.h>

#include "base/error.h"

namespace tracejet {

namespace {

/// Both ends are closed with it. The child's end is closed by the system however the child ends, which is seen here.
class Pipe {
 public:
  Pipe() {
    if (::pipe2(ends_, O_CLOEXEC) != 0) throw Error(std::string("no pipe to a child process: ") + std::strerror(errno));
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    ::close(ends_[0]);
    close_writer();
  }

  void close_writer() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }

  /// Whether the child ends in time.
  bool wait(std::chrono::milliseconds limit) const {
    const auto until = std::chrono::steady_clock::now() + limit;
    for (;;) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
      pollfd reader{ends_[0], POLLIN, 0};
      const int found = ::poll(&reader, 1, static_cast<int>(std::max<int64_t>(left.count(), 0)));
      if (found > 0) return true;
      if (found == 0 || errno != EINTR) return false;
    }
  }

 private:
  int ends_[2] = {-1, -1};
};

[[noreturn]] void be_the_child(const std::function<void()>& work) {
  try {
    at::set_num_threads(1);  // the threads of the parent's pool aren't there
    work();
  } catch (const std::exception&) {  // the parent will find out by itself
  }
  ::_exit(0);
}

int status_of(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace

ChildEnd run_in_child(const std::function<void()>& work, std::chrono::milliseconds limit, const Fork& fork) {
  Pipe pipe;
  const pid_t child = fork();
  if (child < 0) throw Error(std::string("no child process can be made: ") + std::strerror(errno));
  if (child == 0) be_the_child(work);
  pipe.close_writer();
  if (!pipe.wait(limit)) {
    ::kill(child, SIGKILL);
    status_of(child);
    return {std::nullopt, true};
  }
  const int status = status_of(child);
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    return {"crashed with signal " + std::to_string(signal) + " (" + ::strsignal(signal) + ")"};
  }
  if (WEXITSTATUS(status) != 0) return {"ended the process with status " + std::to_string(WEXITSTATUS(status))};
  return {};
}

}  // namespace tracejet
