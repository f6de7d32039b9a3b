// SPDX-License-Identifier: Apache-2.0
#include "describe.hpp"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

namespace thv::plugin {
namespace {

/// Shared by the asking thread and the asked ones, since one of these may never come back.
struct board {
  explicit board(std::size_t size) : answers(size) {}

  void put(std::size_t place, result<fingerprint> answer) {
    std::lock_guard const lock(mutex);
    answers[place] = std::move(answer);
    ++answered;
    changed.notify_all();
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::optional<result<fingerprint>>> answers;
  std::size_t answered = 0;
  std::stop_source stop;
};

void ask(std::shared_ptr<board> const& shared, std::size_t place,
         std::shared_ptr<runtime> const& asked, std::chrono::steady_clock::time_point deadline) {
  call c;
  c.deadline = deadline;
  c.stop = shared->stop.get_token();
  shared->put(place, asked->identify(c));
}

}  // namespace

std::vector<result<fingerprint>> ask_all(std::vector<question> const& questions,
                                         std::chrono::milliseconds patience) {
  auto const deadline = std::chrono::steady_clock::now() + patience;
  auto const shared = std::make_shared<board>(questions.size());
  for (std::size_t i = 0; i < questions.size(); ++i) {
    auto made = questions[i]();
    if (!made) {
      shared->put(i, std::move(made).error());
      continue;
    }
    std::thread([shared, i, asked = *std::move(made), deadline] {
      ask(shared, i, asked, deadline);
    }).detach();
  }
  std::unique_lock lock(shared->mutex);
  auto const all = [&] { return shared->answered == questions.size(); };
  if (!shared->changed.wait_until(lock, deadline, all)) {
    shared->stop.request_stop();
    shared->changed.wait_until(lock, deadline + std::chrono::seconds(1), all);
  }
  std::vector<result<fingerprint>> answers;
  for (auto& answer : shared->answers)
    answers.push_back(answer ? *std::move(answer)
                             : fail(errc::timeout,
                                    "does not answer, and its plugin ignores the "
                                    "deadline"));
  return answers;
}

}  // namespace thv::plugin
