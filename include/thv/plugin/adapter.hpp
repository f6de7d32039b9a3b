// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <exception>
#include <memory>
#include <new>
#include <utility>

#include <thv/plugin/draft/groups.hpp>
#include <thv/plugin/draft/secrets.hpp>
#include <thv/plugin/runtime.hpp>

namespace thv::plugin {

using log_sink = std::function<bool(std::string_view)>;
using event_sink = std::function<bool(event const&)>;

/// What a runtime author writes: a plain class, made by `static result<std::unique_ptr<T>>
/// create(host_context const&)`, with these members. It may throw: the adapter turns exceptions
/// into errors.
template <class T>
concept runtime_class = requires(T& t, call const& c, workload_spec const& spec,
                                 std::string const& id, host_context const& host) {
  { T::create(host) } -> std::same_as<result<std::unique_ptr<T>>>;
  { t.identify(c) } -> std::same_as<result<fingerprint>>;
  { t.deploy(c, spec) } -> std::same_as<result<instance>>;
  { t.start(c, id) } -> std::same_as<result<instance>>;
  { t.stop(c, id) } -> std::same_as<result<void>>;
  { t.remove(c, id) } -> std::same_as<result<void>>;
  { t.inspect(c, id) } -> std::same_as<result<instance>>;
  { t.list(c) } -> std::same_as<result<std::vector<instance>>>;
};

template <class T>
concept has_prepare = requires(T& t, call const& c, workload_spec const& s) {
  { t.prepare(c, s) } -> std::same_as<result<void>>;
};
template <class T>
concept has_attach = requires(T& t, call const& c, std::string const& id) {
  { t.attach(c, id) } -> std::same_as<result<stream>>;
};
template <class T>
concept has_endpoint = requires(T& t, call const& c, std::string const& id) {
  { t.where(c, id) } -> std::same_as<result<endpoint>>;
};
template <class T>
concept has_logs = requires(T& t, call const& c, std::string const& id, log_options const& o,
                            log_sink const& sink) {
  { t.logs(c, id, o, sink) } -> std::same_as<result<void>>;
};
template <class T>
concept has_watch = requires(T& t, call const& c, event_sink const& sink) {
  { t.watch(c, sink) } -> std::same_as<result<void>>;
};
template <class T>
concept has_query = requires(T& t, char const* id) {
  { t.query(id) } -> std::same_as<void*>;
};

/// The capability bits of a class, from the members it has.
template <runtime_class T>
[[nodiscard]] consteval std::uint64_t capabilities_of() {
  std::uint64_t bits = 0;
  if (has_prepare<T>) bits |= can_prepare;
  if (has_attach<T>) bits |= can_attach;
  if (has_endpoint<T>) bits |= can_endpoint;
  if (has_logs<T>) bits |= can_logs;
  if (has_watch<T>) bits |= can_watch;
  return bits;
}

/// Calls `f` and turns whatever it throws into errc::internal.
template <class F>
[[nodiscard]] auto guarded(F&& f) noexcept -> decltype(f()) {
  try {
    return std::forward<F>(f)();
  } catch (std::exception const& e) {
    return fail(errc::internal, std::string("the runtime plugin threw: ") + e.what());
  } catch (...) {
    return fail(errc::internal, "the runtime plugin threw something that is no std::exception");
  }
}

/// A plain class behind the interface that the engine calls.
template <runtime_class T>
class adapter final : public runtime {
 public:
  explicit adapter(std::unique_ptr<T> impl) : impl_(std::move(impl)) {}

  std::uint64_t capabilities() const noexcept override { return capabilities_of<T>(); }
  result<fingerprint> identify(call const& c) noexcept override {
    return guarded([&] { return impl_->identify(c); });
  }
  result<void> prepare(call const& c, workload_spec const& s) noexcept override {
    return guarded([&]() -> result<void> {
      if constexpr (has_prepare<T>) return impl_->prepare(c, s);
      return {};
    });
  }
  result<instance> deploy(call const& c, workload_spec const& s) noexcept override {
    return guarded([&] { return impl_->deploy(c, s); });
  }
  result<instance> start(call const& c, std::string const& id) noexcept override {
    return guarded([&] { return impl_->start(c, id); });
  }
  result<void> stop(call const& c, std::string const& id) noexcept override {
    return guarded([&] { return impl_->stop(c, id); });
  }
  result<void> remove(call const& c, std::string const& id) noexcept override {
    return guarded([&] { return impl_->remove(c, id); });
  }
  result<instance> inspect(call const& c, std::string const& id) noexcept override {
    return guarded([&] { return impl_->inspect(c, id); });
  }
  result<std::vector<instance>> list(call const& c) noexcept override {
    return guarded([&] { return impl_->list(c); });
  }
  result<void> logs(call const& c, std::string const& id, log_options const& options,
                    log_sink const& sink) noexcept override {
    return guarded([&]() -> result<void> {
      if constexpr (has_logs<T>) return impl_->logs(c, id, options, sink);
      return missing("logs");
    });
  }
  result<void> watch(call const& c, event_sink const& sink) noexcept override {
    return guarded([&]() -> result<void> {
      if constexpr (has_watch<T>) return impl_->watch(c, sink);
      return missing("watch");
    });
  }
  result<stream> attach(call const& c, std::string const& id) noexcept override {
    return guarded([&]() -> result<stream> {
      if constexpr (has_attach<T>) return impl_->attach(c, id);
      return missing("attach");
    });
  }
  result<endpoint> where(call const& c, std::string const& id) noexcept override {
    return guarded([&]() -> result<endpoint> {
      if constexpr (has_endpoint<T>) return impl_->where(c, id);
      return missing("endpoint");
    });
  }
  void* query(char const* interface_id) noexcept override {
    if constexpr (std::derived_from<T, group_holder>)
      if (std::string_view(interface_id) == group_holder::interface_id)
        return static_cast<group_holder*>(impl_.get());
    if constexpr (std::derived_from<T, secret_keeper>)
      if (std::string_view(interface_id) == secret_keeper::interface_id)
        return static_cast<secret_keeper*>(impl_.get());
    if constexpr (has_query<T>) return impl_->query(interface_id);
    return nullptr;
  }

 private:
  static error missing(char const* verb) {
    return fail(errc::unsupported, std::string("this runtime has no ") + verb);
  }

  std::unique_ptr<T> impl_;
};

/// An optional interface of a runtime, or nullptr: `find_interface<group_holder>(r)`. Lives as long
/// as the runtime.
template <class Interface>
[[nodiscard]] Interface* find_interface(runtime& r) noexcept {
  return static_cast<Interface*>(r.query(Interface::interface_id));
}

/// Makes a runtime of class T for an embedder or a plugin's descriptor. Errors are T::create's.
template <runtime_class T>
[[nodiscard]] result<std::unique_ptr<runtime>> make_runtime(host_context const& host) noexcept {
  return guarded([&]() -> result<std::unique_ptr<runtime>> {
    auto made = T::create(host);
    if (!made) return std::move(made).error();
    return std::unique_ptr<runtime>(std::make_unique<adapter<T>>(*std::move(made)));
  });
}

/// `descriptor::create` for a plain class.
template <runtime_class T>
[[nodiscard]] runtime* create_runtime(host_context const& host, error* failure) noexcept {
  auto made = make_runtime<T>(host);
  if (made) return std::move(*made).release();
  *failure = std::move(made).error();
  return nullptr;
}

}  // namespace thv::plugin
