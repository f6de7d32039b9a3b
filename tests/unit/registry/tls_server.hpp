// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>

namespace thv::test {

/// Writes a key and a certificate of its own for 127.0.0.1 to two PEM files.
inline void write_certificate(std::filesystem::path const& certificate,
                              std::filesystem::path const& key) {
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> const pair(EVP_EC_gen("P-256"),
                                                                 &EVP_PKEY_free);
  std::unique_ptr<X509, decltype(&X509_free)> const x509(X509_new(), &X509_free);
  X509_set_version(x509.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(x509.get()), -60);
  X509_gmtime_adj(X509_getm_notAfter(x509.get()), 3600);
  X509_set_pubkey(x509.get(), pair.get());
  auto* const name = X509_get_subject_name(x509.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<unsigned char const*>("test"), -1, -1, 0);
  X509_set_issuer_name(x509.get(), name);
  auto* const extension =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
  X509_add_ext(x509.get(), extension, -1);
  X509_EXTENSION_free(extension);
  X509_sign(x509.get(), pair.get(), EVP_sha256());
  auto const write = [](std::filesystem::path const& path, auto&& put) {
    std::unique_ptr<std::FILE, decltype(&std::fclose)> const file(std::fopen(path.c_str(), "w"),
                                                                  &std::fclose);
    put(file.get());
  };
  write(certificate, [&](std::FILE* f) { PEM_write_X509(f, x509.get()); });
  write(key, [&](std::FILE* f) {
    PEM_write_PrivateKey(f, pair.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

/// An HTTPS server on loopback that gives every request the same answer.
class tls_server {
 public:
  tls_server(std::filesystem::path const& certificate, std::filesystem::path const& key,
             std::string answer)
      : answer_(std::move(answer)),
        acceptor_(context_, {boost::asio::ip::address_v4::loopback(), 0}),
        port_(acceptor_.local_endpoint().port()) {
    tls_.use_certificate_file(certificate.native(), boost::asio::ssl::context::pem);
    tls_.use_private_key_file(key.native(), boost::asio::ssl::context::pem);
    thread_ = std::thread([this] { serve(); });
  }

  ~tls_server() {
    stopping_ = true;
    boost::system::error_code ec;
    boost::asio::ip::tcp::socket wake(context_);
    wake.connect({boost::asio::ip::address_v4::loopback(), port_}, ec);
    thread_.join();
  }

  [[nodiscard]] std::string url(std::string const& path) const {
    return "https://127.0.0.1:" + std::to_string(port_) + path;
  }

 private:
  void serve() {
    while (!stopping_) {
      boost::system::error_code ec;
      boost::asio::ssl::stream<boost::asio::ip::tcp::socket> stream(context_, tls_);
      acceptor_.accept(stream.next_layer(), ec);
      if (ec || stopping_) continue;
      stream.handshake(boost::asio::ssl::stream_base::server, ec);
      if (ec) continue;
      boost::asio::streambuf buffer;
      boost::asio::read_until(stream, buffer, "\r\n\r\n", ec);
      if (ec) continue;
      boost::asio::write(stream, boost::asio::buffer(answer_), ec);
      stream.shutdown(ec);
    }
  }

  std::string answer_;
  boost::asio::io_context context_;
  boost::asio::ssl::context tls_{boost::asio::ssl::context::tls_server};
  boost::asio::ip::tcp::acceptor acceptor_;
  std::uint16_t port_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace thv::test
