// SPDX-License-Identifier: Apache-2.0
#include <thv/plugin/loader.hpp>

#include <string>

#include <catch2/catch_test_macros.hpp>

using namespace thv::plugin;
using thv::errc;

namespace {

runtime* make_nothing(host_context const&, thv::error*) noexcept {
  return nullptr;
}

constexpr descriptor good{
    sizeof(descriptor), abi_major, abi_minor, build_fingerprint, "mine", "1.0", 0, &make_nothing};

thv::error refusal(descriptor const& d) {
  auto checked = check_descriptor(d, "/x/mine.so");
  REQUIRE_FALSE(checked);
  CHECK(checked.error().where == "/x/mine.so");
  return std::move(checked).error();
}

}  // namespace

TEST_CASE("a descriptor of this build is accepted", "[plugin]") {
  CHECK(check_descriptor(good, "mine.so"));
}

TEST_CASE("a longer descriptor of the same version is accepted", "[plugin]") {
  auto d = good;
  d.size += 16;
  CHECK(check_descriptor(d, "mine.so"));
}

TEST_CASE("another major version is refused with both", "[plugin]") {
  auto d = good;
  d.abi_major = abi_major + 1;
  d.abi_minor = 0;
  auto const e = refusal(d);
  CHECK(e.code == errc::unsupported);
  CHECK(e.message == "the plugin was built for plugin interface " + std::to_string(abi_major + 1) +
                         ".0, this program has " + std::to_string(abi_major) + "." +
                         std::to_string(abi_minor));
}

TEST_CASE("a newer minor version is refused, an older one is accepted", "[plugin]") {
  auto d = good;
  d.abi_minor = abi_minor + 1;
  CHECK(refusal(d).hint.starts_with("update thv-engine"));
  if (abi_minor > 0) {
    d.abi_minor = abi_minor - 1;
    CHECK(check_descriptor(d, "mine.so"));
  }
}

TEST_CASE("another build is refused with both fingerprints", "[plugin]") {
  auto d = good;
  d.fingerprint = "gxx_abi=1 libstdc++=0 mode=debug sanitizer=none";
  auto const e = refusal(d);
  CHECK(e.code == errc::unsupported);
  CHECK(e.message == std::string("the plugin was built with [gxx_abi=1 libstdc++=0 mode=debug "
                                 "sanitizer=none], this program with [") +
                         build_fingerprint + "]");
  d.fingerprint = nullptr;
  CHECK(refusal(d).code == errc::unsupported);
}

TEST_CASE("a descriptor with holes is refused", "[plugin]") {
  for (auto const size : {std::size_t{0}, sizeof(descriptor) - 1, std::size_t{1} << 40}) {
    auto d = good;
    d.size = size;
    CHECK(refusal(d).code == errc::corrupt);
  }
  for (auto const* name : {static_cast<char const*>(nullptr), "", "../evil"}) {
    auto d = good;
    d.name = name;
    CHECK(refusal(d).message == "the plugin's descriptor has no usable name");
  }
  auto d = good;
  d.version = "";
  CHECK(refusal(d).message == "the plugin's descriptor has no version");
  d = good;
  d.create = nullptr;
  CHECK(refusal(d).message == "the plugin's descriptor has no function to make a runtime");
}
