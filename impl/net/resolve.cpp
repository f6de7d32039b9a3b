// SPDX-License-Identifier: Apache-2.0
#include "resolve.hpp"

#include <netdb.h>

#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace thv::net {

namespace {

struct look_up {
  std::mutex mutex;
  std::condition_variable_any done;
  bool finished = false;
  int code = 0;
  int system_error = 0;
  std::vector<resolved> addresses;
};

int ask(std::string const& host, std::uint16_t port, int flags, std::vector<resolved>& out) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  int const code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  if (code != 0) return code;
  for (auto const* a = list; a; a = a->ai_next) {
    resolved r;
    std::memcpy(&r.storage, a->ai_addr, a->ai_addrlen);
    r.size = a->ai_addrlen;
    out.push_back(r);
  }
  ::freeaddrinfo(list);
  return 0;
}

bool wait(plugin::call const& c, look_up& l, std::unique_lock<std::mutex>& lock) {
  auto const finished = [&] { return l.finished; };
  if (c.deadline == std::chrono::steady_clock::time_point::max())
    return l.done.wait(lock, c.stop, finished);
  return l.done.wait_until(lock, c.stop, c.deadline, finished);
}

}  // namespace

result<std::vector<resolved>> resolve(plugin::call const& c, std::string const& host,
                                      std::uint16_t port) {
  std::vector<resolved> numeric;
  if (ask(host, port, AI_NUMERICHOST, numeric) == 0) return numeric;
  auto shared = std::make_shared<look_up>();
  std::thread([shared, host, port] {
    std::vector<resolved> found;
    int const code = ask(host, port, AI_ADDRCONFIG, found);
    int const system_error = errno;
    std::lock_guard const lock(shared->mutex);
    shared->code = code;
    shared->system_error = system_error;
    shared->addresses = std::move(found);
    shared->finished = true;
    shared->done.notify_all();
  }).detach();
  std::unique_lock lock(shared->mutex);
  if (!wait(c, *shared, lock)) {
    if (c.stop.stop_requested())
      return fail(errc::cancelled, "cancelled while looking up '" + host + "'");
    return fail(errc::timeout, "looking up '" + host + "' took too long");
  }
  if (shared->code == 0) return std::move(shared->addresses);
  std::string const reason = shared->code == EAI_SYSTEM ? std::strerror(shared->system_error)
                                                        : ::gai_strerror(shared->code);
  return fail(errc::unavailable, "cannot look up host '" + host + "': " + reason);
}

}  // namespace thv::net
