// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

namespace thv::test {

/// A key and a certificate that vouches for itself, as PEM files in a folder that goes with it.
class certificate {
 public:
  /// `names` is an OpenSSL subjectAltName: "DNS:localhost,IP:127.0.0.1".
  explicit certificate(std::string const& names) {
    std::string folder = "/tmp/thv-cert-XXXXXX";
    if (!::mkdtemp(folder.data())) throw std::runtime_error("mkdtemp failed");
    folder_ = folder;
    std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
    std::unique_ptr<X509, decltype(&X509_free)> x(X509_new(), &X509_free);
    X509_set_version(x.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(x.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x.get()), 86400);
    X509_set_pubkey(x.get(), key.get());
    auto* const name = X509_get_subject_name(x.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<unsigned char const*>("thv test"), -1, -1, 0);
    X509_set_issuer_name(x.get(), name);
    extend(x.get(), NID_subject_alt_name, names);
    extend(x.get(), NID_basic_constraints, "critical,CA:TRUE");
    if (X509_sign(x.get(), key.get(), EVP_sha256()) == 0)
      throw std::runtime_error("signing a certificate failed");
    write(certificate_file(), [&](FILE* f) { return PEM_write_X509(f, x.get()); });
    write(key_file(), [&](FILE* f) {
      return PEM_write_PrivateKey(f, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
  }
  certificate(certificate const&) = delete;
  certificate& operator=(certificate const&) = delete;
  ~certificate() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  [[nodiscard]] std::string certificate_file() const { return folder_ + "/cert.pem"; }
  [[nodiscard]] std::string key_file() const { return folder_ + "/key.pem"; }

 private:
  static void extend(X509* x, int nid, std::string const& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, x, x, nullptr, nullptr, 0);
    auto* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    if (!extension) throw std::runtime_error("bad certificate extension " + value);
    X509_add_ext(x, extension, -1);
    X509_EXTENSION_free(extension);
  }

  template <class F>
  static void write(std::string const& path, F f) {
    std::unique_ptr<FILE, decltype(&std::fclose)> file(std::fopen(path.c_str(), "w"), &std::fclose);
    if (!file || f(file.get()) != 1) throw std::runtime_error("writing " + path + " failed");
  }

  std::string folder_;
};

}  // namespace thv::test
