// SPDX-License-Identifier: Apache-2.0
#include "tests/cli/program.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace counterpoint::cli {
namespace fs = std::filesystem;
namespace {

std::string slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

Outcome run_program(const std::vector<std::string>& words, const fs::path& directory,
                    const fs::path& stop_when_exists) {
  const fs::path out = directory / ".stdout", err = directory / ".stderr";
  std::string program = COUNTERPOINT_PROGRAM;
  std::vector<std::string> copy = words;
  std::vector<char*> argv = {program.data()};
  for (std::string& w : copy) argv.push_back(w.data());
  argv.push_back(nullptr);
  const pid_t pid = fork();
  if (pid == 0) {
    if (chdir(directory.c_str()) != 0) _exit(126);
    const int in = open("/dev/null", O_RDONLY);
    const int o = open(out.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    const int e = open(err.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    dup2(in, 0);
    dup2(o, 1);
    dup2(e, 2);
    execv(argv[0], argv.data());
    _exit(127);
  }
  int status = 0;
  if (!stop_when_exists.empty()) {
    while (waitpid(pid, &status, WNOHANG) == 0) {
      const std::string text = slurp(stop_when_exists);
      if (std::count(text.begin(), text.end(), '\n') >= 2) {
        kill(pid, SIGINT);
        waitpid(pid, &status, 0);
        break;
      }
      usleep(2000);
    }
  } else {
    waitpid(pid, &status, 0);
  }
  Outcome r;
  r.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  r.out = slurp(out);
  r.err = slurp(err);
  return r;
}

void ProgramTest::SetUp() {
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  dir_ = fs::temp_directory_path() /
         (std::string("counterpoint-") + test->name() + "-" + std::to_string(getpid()));
  fs::create_directories(dir_);
}

void ProgramTest::TearDown() {
  std::error_code ignored;
  fs::remove_all(dir_, ignored);
}

void ProgramTest::write(const std::string& name, const std::string& text) const {
  std::ofstream(dir_ / name, std::ios::binary) << text;
}

std::string ProgramTest::read(const std::string& name) const {
  return slurp(dir_ / name);
}

}  // namespace counterpoint::cli
