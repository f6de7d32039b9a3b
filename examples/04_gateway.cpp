// SPDX-License-Identifier: Apache-2.0
// The gateway inside another program: serves the members of a group over MCP on a port of its own,
// asks one of them through it, and ends. Usage: 04_gateway STATE-FOLDER REGISTRY-FILE GROUP
#include <iostream>
#include <thread>

#include <thv/engine.hpp>
#include <thv/gateway/engine_backend.hpp>
#include <thv/gateway/server.hpp>
#include <thv/plugin/host.hpp>
#include <thv/registry/fetch.hpp>
#include <thv/registry/find.hpp>
#include <thv/secrets/environment.hpp>
#include <thv/store/sqlite_store.hpp>

// [gateway]
template <class Engine, class Runtimes, class Store>
thv::result<void> serve(Engine& engine, Runtimes& runtimes, Store& store,
                        thv::secret_source secrets) {
  thv::gateway::engine_backend members(engine, runtimes, store, std::move(secrets));
  thv::gateway::server server(members, {.port = 0});
  THV_CHECK(server.listen());
  std::thread loop([&] { server.run(); });  // on your own io thread, or another
  thv::plugin::call patience;
  patience.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  auto const ready = server.prove(patience, "echo");  // a real request to the member
  if (ready)
    std::cout << "http://127.0.0.1:" << server.port() << "/servers/echo/mcp is ready, revision "
              << ready->revision << '\n';
  server.stop();  // members go on
  loop.join();
  if (!ready) return ready.error();
  return {};
}
// [gateway]

thv::result<void> run_group(std::string const& folder, std::string const& file,
                            std::string const& name) {
  THV_TRY(auto store, thv::store::sqlite_store::open({.state_directory = folder}));
  THV_TRY(auto const configuration, thv::config::load());
  thv::plugin::host_options host{.state_directory = folder, .cache_directory = folder};
  host.store = store.id();
  thv::plugin::runtime_set runtimes(configuration, host);
  thv::secrets::environment_provider secrets;
  thv::secret_source const source = [&](auto const& secret, auto const&) {
    return secrets.get(secret);
  };
  thv::basic_engine engine(runtimes, store, source);
  THV_TRY(auto document, thv::registry::load(file));
  std::vector<thv::registry::document> const documents{std::move(document)};
  THV_TRY(auto const found, thv::registry::find_group(documents, name));
  THV_CHECK(engine.group_run({.group = *found.group, .origin = file}));
  auto const served = serve(engine, runtimes, store, source);
  THV_CHECK(engine.delete_group({.name = thv::slug(found.group->name)}));
  return served;
}

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: 04_gateway STATE-FOLDER REGISTRY-FILE GROUP\n";
    return 2;
  }
  auto const done = run_group(argv[1], argv[2], argv[3]);
  if (!done) std::cerr << to_string(done.error()) << '\n' << done.error().hint << '\n';
  return done ? 0 : 1;
}
