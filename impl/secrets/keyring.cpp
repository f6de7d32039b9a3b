// SPDX-License-Identifier: Apache-2.0
#include <thv/secrets/keyring.hpp>

#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>

#include "secret_library.hpp"

namespace thv::secrets {

namespace {

constexpr auto* schema_name = "io.github.thv_engine.VaultKey";
constexpr auto* application = "thv-engine";
constexpr auto* or_else = "or choose another key: thv-engine secret setup --key passphrase";
constexpr int attribute_string = 0;  // SECRET_SCHEMA_ATTRIBUTE_STRING
constexpr int no_flags = 0;          // SECRET_SERVICE_NONE, SECRET_SEARCH_NONE and so on
constexpr auto* no_more = static_cast<char const*>(nullptr);

/// Of one program; it is never freed.
void const* schema(secret_library const& l) {
  static void const* const made = l.schema_new(
      schema_name, no_flags, "application", attribute_string, "vault", attribute_string, no_more);
  return made;
}

/// Frees what libsecret and GLib made.
template <class T, class Free>
auto owned(T* object, Free release) {
  return std::unique_ptr<T, Free>(object, release);
}

error unavailable(std::string what, std::string hint) {
  return fail(errc::unavailable, std::move(what), std::move(hint));
}

/// One conversation with the keyring, which is given up after a while.
class conversation {
 public:
  conversation(secret_library const& library, keyring_prompt prompt)
      : library_(library),
        limit_(prompt == keyring_prompt::allowed ? 90 : 15),
        cancellable_(library.cancellable_new()),
        watch_([this](std::stop_token stop) { watch(std::move(stop)); }) {}
  ~conversation() {
    watch_.request_stop();
    watch_.join();
    library_.object_unref(cancellable_);
  }
  conversation(conversation const&) = delete;
  conversation& operator=(conversation const&) = delete;

  [[nodiscard]] void* cancellable() const { return cancellable_; }
  [[nodiscard]] g_error** problem() { return &problem_; }
  [[nodiscard]] bool failed() const { return problem_ != nullptr; }

  /// What `problem` says.
  [[nodiscard]] error take_error() {
    auto e =
        unavailable(timed_out_ ? "the keyring does not answer" : "the keyring cannot be used",
                    std::string("start one (Debian: gnome-keyring) and unlock it, ") + or_else);
    if (problem_ != nullptr) {
      if (problem_->message != nullptr) e.engine_message = problem_->message;
      library_.error_free(problem_);
      problem_ = nullptr;
    }
    return e;
  }

 private:
  void watch(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    if (wake_.wait_for(lock, stop, limit_, [] { return false; }) || stop.stop_requested()) return;
    timed_out_ = true;
    library_.cancellable_cancel(cancellable_);
  }

  secret_library const& library_;
  std::chrono::seconds limit_;
  void* cancellable_;
  g_error* problem_ = nullptr;
  std::atomic<bool> timed_out_ = false;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread watch_;
};

error locked() {
  return unavailable(
      "the keyring is locked",
      std::string("unlock it (log in to the desktop, or open its window), ") + or_else);
}

/// Is there a default collection that answers without a question? Else opens it, where that is
/// allowed.
result<void> check_collection(secret_library const& l, conversation& talk, keyring_prompt prompt) {
  auto const service =
      owned(l.service_get(no_flags, talk.cancellable(), talk.problem()), l.object_unref);
  if (!service) return talk.take_error();
  auto const collection = owned(l.collection_for_alias(service.get(), "default", no_flags,
                                                       talk.cancellable(), talk.problem()),
                                l.object_unref);
  if (talk.failed()) return talk.take_error();
  if (!collection)
    return unavailable("the keyring has no default collection",
                       std::string("make one in its window (Debian: seahorse), ") + or_else);
  if (l.collection_get_locked(collection.get()) == 0) return {};
  if (prompt == keyring_prompt::never) return locked();
  g_list only{collection.get(), nullptr, nullptr};
  auto const opened = l.unlock(service.get(), &only, talk.cancellable(), nullptr, talk.problem());
  if (talk.failed()) return talk.take_error();
  if (opened <= 0) return locked();  // its window was closed
  return {};
}

enum class item_state { none, readable, locked };

/// Looks for the key without reading it, which would open a window where it is locked.
result<item_state> look_for(secret_library const& l, conversation& talk, std::string const& id) {
  auto const service =
      owned(l.service_get(no_flags, talk.cancellable(), talk.problem()), l.object_unref);
  if (!service) return talk.take_error();
  auto const attributes =
      owned(l.attributes_build(schema(l), "application", application, "vault", id.c_str(), no_more),
            l.hash_table_unref);
  auto const list = owned(l.service_search(service.get(), schema(l), attributes.get(), no_flags,
                                           talk.cancellable(), talk.problem()),
                          l.list_free);
  if (talk.failed()) return talk.take_error();
  if (!list) return item_state::none;
  bool const is_locked = l.item_get_locked(list->data) != 0;
  for (auto* item = list.get(); item != nullptr; item = item->next) l.object_unref(item->data);
  return is_locked ? item_state::locked : item_state::readable;
}

}  // namespace

result<void> keyring::has_bus() const {
  if (variables_("DBUS_SESSION_BUS_ADDRESS")) return {};
  if (auto const folder = variables_("XDG_RUNTIME_DIR")) {
    struct stat found {};
    if (::stat((*folder + "/bus").c_str(), &found) == 0 && S_ISSOCK(found.st_mode)) return {};
  }
  return unavailable("there is no keyring: no D-Bus session",
                     std::string("log in to a desktop, ") + or_else);
}

result<void> keyring::usable() const {
  THV_CHECK(has_bus());
  auto const& library = load_libsecret();
  if (!library) return library.error();
  conversation talk(*library, keyring_prompt::never);
  return check_collection(*library, talk, keyring_prompt::never);
}

namespace {

result<std::optional<secret_key>> find_with(secret_library const& to_use, std::string const& id,
                                            keyring_prompt prompt) {
  auto const* const library = &to_use;
  conversation talk(*library, prompt);
  THV_TRY(auto state, look_for(*library, talk, id));
  if (state == item_state::none) {
    // A locked collection need not tell what is in it.
    THV_CHECK(check_collection(*library, talk, prompt));
    THV_TRY(state, look_for(*library, talk, id));
    if (state == item_state::none) return std::optional<secret_key>();
  }
  if (state == item_state::locked && prompt == keyring_prompt::never) return locked();
  auto const text = owned(library->lookup(schema(*library), talk.cancellable(), talk.problem(),
                                          "application", application, "vault", id.c_str(), no_more),
                          library->free_secret);
  if (talk.failed()) return talk.take_error();
  if (!text) return locked();  // its window was closed
  auto key = secret_key::from_text(text.get());
  if (!key) return fail(errc::corrupt, "what the keyring holds for this vault is no key");
  return std::optional<secret_key>(*std::move(key));
}

}  // namespace

result<std::optional<secret_key>> keyring::find(std::string const& id,
                                                keyring_prompt prompt) const {
  THV_CHECK(has_bus());
  auto const& library = load_libsecret();
  if (!library) return library.error();
  auto found = find_with(*library, id, prompt);
  // The library remembers whom it has spoken to, and would not see that a keyring was started anew.
  if (!found || !*found) library->disconnect();
  return found;
}

result<void> keyring::store(std::string const& id, std::string const& label, secret_key const& key,
                            keyring_prompt prompt) const {
  THV_CHECK(has_bus());
  auto const& library = load_libsecret();
  if (!library) return library.error();
  conversation talk(*library, prompt);
  if (prompt == keyring_prompt::never) THV_CHECK(check_collection(*library, talk, prompt));
  auto text = key.to_text();
  auto const stored =
      library->store(schema(*library), "default", label.c_str(), text.c_str(), talk.cancellable(),
                     talk.problem(), "application", application, "vault", id.c_str(), no_more);
  wipe(text);
  if (talk.failed()) return talk.take_error();
  if (stored == 0) return locked();
  return {};
}

result<void> keyring::erase(std::string const& id) const {
  THV_CHECK(has_bus());
  auto const& library = load_libsecret();
  if (!library) return library.error();
  conversation talk(*library, keyring_prompt::never);
  THV_TRY(auto const state, look_for(*library, talk, id));
  if (state == item_state::none) return check_collection(*library, talk, keyring_prompt::never);
  if (state == item_state::locked) return locked();
  library->clear(schema(*library), talk.cancellable(), talk.problem(), "application", application,
                 "vault", id.c_str(), no_more);
  if (talk.failed()) return talk.take_error();
  return {};
}

}  // namespace thv::secrets
