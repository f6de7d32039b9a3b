// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <process/ports.hpp>
#include <process/posix.hpp>
#include <sstream>

namespace thv::process {
namespace {

constexpr std::string_view listening = "0A";  // TCP_LISTEN in /proc/net/tcp

/// The kernel prints each 32-bit word of an address in host byte order.
template <std::size_t Words>
std::optional<std::array<std::uint32_t, Words>> parse_words(std::string_view hex) {
  if (hex.size() != Words * 8) return std::nullopt;
  std::array<std::uint32_t, Words> words{};
  for (std::size_t i = 0; i < Words; ++i) {
    auto const part = hex.substr(i * 8, 8);
    if (std::from_chars(part.data(), part.data() + 8, words[i], 16).ec != std::errc())
      return std::nullopt;
  }
  return words;
}

bool read_address(std::string_view hex, listener& found) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (auto const v4 = parse_words<1>(hex)) {
    ::inet_ntop(AF_INET, v4->data(), text.data(), text.size());
    found.address = text.data();
    found.loopback = (ntohl((*v4)[0]) >> 24) == 127;
    return true;
  }
  auto const v6 = parse_words<4>(hex);
  if (!v6) return false;
  in6_addr address{};
  std::memcpy(&address, v6->data(), sizeof address);
  ::inet_ntop(AF_INET6, &address, text.data(), text.size());
  found.address = "[" + std::string(text.data()) + "]";
  found.loopback = IN6_IS_ADDR_LOOPBACK(&address) ||
                   (IN6_IS_ADDR_V4MAPPED(&address) && address.s6_addr[12] == 127);
  return true;
}

std::optional<listener> parse_line(std::string const& line) {
  std::istringstream words(line);
  std::string slot, local, remote, state, queues, timer, retransmits, user, timeout;
  listener found;
  if (!(words >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> user >>
        timeout >> found.inode))
    return std::nullopt;
  auto const colon = local.find(':');
  if (state != listening || colon == std::string::npos) return std::nullopt;
  auto const* end = local.data() + local.size();
  if (std::from_chars(local.data() + colon + 1, end, found.port, 16).ec != std::errc())
    return std::nullopt;
  if (!read_address(std::string_view(local).substr(0, colon), found)) return std::nullopt;
  return found;
}

std::set<std::uint64_t> socket_inodes(int pid) {
  std::set<std::uint64_t> inodes;
  auto const path = "/proc/" + std::to_string(pid) + "/fd";
  std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), &::closedir);
  if (!directory) return inodes;
  while (auto const* item = ::readdir(directory.get())) {
    std::array<char, 64> target{};
    auto const n =
        ::readlink((path + "/" + item->d_name).c_str(), target.data(), target.size() - 1);
    static constexpr std::string_view prefix = "socket:[";
    std::string_view const text(target.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
    std::uint64_t inode = 0;
    if (text.starts_with(prefix) &&
        std::from_chars(text.data() + prefix.size(), text.data() + text.size(), inode).ec ==
            std::errc())
      inodes.insert(inode);
  }
  return inodes;
}

descriptor bound_socket(std::uint16_t port, int* failure) {
  descriptor made(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  int const yes = 1;
  ::setsockopt(made.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(made.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0) {
    *failure = errno;
    return {};
  }
  return made;
}

}  // namespace

std::vector<listener> parse_listeners(std::string_view text) {
  std::vector<listener> found;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);)
    if (auto parsed = parse_line(line)) found.push_back(*std::move(parsed));
  return found;
}

std::vector<listener> listeners_of(std::vector<int> const& pids) {
  std::vector<listener> held;
  if (pids.empty()) return held;
  std::set<std::uint64_t> inodes;
  for (auto const pid : pids) inodes.merge(socket_inodes(pid));
  for (auto const* table : {"tcp", "tcp6"}) {
    auto const text =
        read_file("/proc/" + std::to_string(pids.front()) + "/net/" + table, 64u << 20);
    if (!text) continue;
    for (auto& found : parse_listeners(*text))
      if (inodes.count(found.inode) != 0) held.push_back(std::move(found));
  }
  return held;
}

result<std::uint16_t> free_port(std::set<std::uint16_t> const& taken) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    int failure = 0;
    auto const made = bound_socket(0, &failure);
    if (!made) return system_failure(failure, "cannot find a free port");
    sockaddr_in address{};
    socklen_t length = sizeof address;
    ::getsockname(made.get(), reinterpret_cast<sockaddr*>(&address), &length);
    auto const port = ntohs(address.sin_port);
    if (taken.count(port) == 0) return port;
  }
  return fail(errc::unavailable, "cannot find a free port: all that were tried are taken");
}

result<void> check_port(std::uint16_t port) {
  int failure = 0;
  if (bound_socket(port, &failure)) return {};
  auto const subject = "port " + std::to_string(port) + " of 127.0.0.1";
  if (failure != EADDRINUSE) return system_failure(failure, "cannot use " + subject);
  return fail(errc::conflict, subject + " is in use by another program",
              "choose another port, or leave the port out to get a free one");
}

}  // namespace thv::process
