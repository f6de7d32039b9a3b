// SPDX-License-Identifier: Apache-2.0
#include "tls.hpp"

#include <arpa/inet.h>
#include <openssl/x509_vfy.h>

namespace thv::net {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

namespace {

bool is_address(std::string const& host) {
  in6_addr scratch;
  return ::inet_pton(AF_INET, host.c_str(), &scratch) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), &scratch) == 1;
}

error unusable(std::string const& what, std::string const& file, error_code const& ec) {
  return fail(errc::invalid_argument,
              "the " + what + " '" + file + "' cannot be used: " + ec.message(),
              "name a readable PEM file (keys without a passphrase)");
}

}  // namespace

result<ssl::context> make_tls_context(tls_options const& files) {
  ssl::context context(ssl::context::tls_client);
  ::SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  context.set_verify_mode(ssl::verify_peer);
  error_code ec;
  // OpenSSL would ask for a passphrase on the terminal.
  context.set_password_callback([](std::size_t, ssl::context::password_purpose) { return ""; }, ec);
  if (files.ca_file.empty()) {
    context.set_default_verify_paths(ec);
  } else if (context.load_verify_file(files.ca_file, ec); ec) {
    return unusable("file of authorities", files.ca_file, ec);
  }
  if (files.certificate_file.empty() != files.key_file.empty())
    return fail(errc::invalid_argument, "a client certificate and its key belong together",
                "give both files or neither");
  if (files.certificate_file.empty()) return context;
  if (context.use_certificate_chain_file(files.certificate_file, ec); ec)
    return unusable("client certificate", files.certificate_file, ec);
  if (context.use_private_key_file(files.key_file, ssl::context::pem, ec); ec)
    return unusable("client key", files.key_file, ec);
  return context;
}

result<void> expect_host(tls_stream& stream, std::string const& host) {
  // A server name is a DNS name, never an address (RFC 6066, section 3).
  if (!is_address(host) && SSL_set_tlsext_host_name(stream.native_handle(), host.c_str()) != 1)
    return fail(errc::invalid_argument, "'" + host + "' is no server name for TLS");
  auto* const wanted = ::SSL_get0_param(stream.native_handle());
  bool const set = is_address(host)
                       ? ::X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) == 1
                       : ::X509_VERIFY_PARAM_set1_host(wanted, host.data(), host.size()) == 1;
  if (!set) return fail(errc::invalid_argument, "'" + host + "' is no server name for TLS");
  return {};
}

std::string refused_certificate(tls_stream& stream) {
  auto const code = ::SSL_get_verify_result(stream.native_handle());
  if (code == X509_V_OK) return {};
  return ::X509_verify_cert_error_string(code);
}

}  // namespace thv::net
