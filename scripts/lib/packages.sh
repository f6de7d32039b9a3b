# SPDX-License-Identifier: Apache-2.0
# What has to be installed for building, for the demo and for the tests, and how.
# Debian packages by apt, nothing removed, no source list touched; what Debian 12 itself does not
# have (or what would push a package of the user's out) is unpacked under build/deps.
# Sourced after common.sh.

UV_VERSION=0.13.8

# One requirement a line. `a|b`: any of these packages will do, the first is installed.
# `@command=package`: nothing is installed where the command is on the PATH already.
BUILD_PACKAGES=(
  ca-certificates cmake ninja-build g++ pkg-config ccache
  librange-v3-dev libtomlplusplus-dev libcli11-dev libfmt-dev libsqlite3-dev libssl-dev
  libsodium-dev libyaml-cpp-dev
  'libcurl4-openssl-dev|libcurl4-gnutls-dev|libcurl4-nss-dev'
)
BOOST_PACKAGES=(
  libboost1.81-dev libboost-json1.81-dev libboost-filesystem1.81-dev libboost-url1.81-dev
  libboost-system1.81-dev
)
NODE_PACKAGES=(@node=nodejs @npm=npm)
TEST_PACKAGES=(
  clang-14 libclang-rt-14-dev clang-format-14 busybox-static iproute2 libbenchmark-dev procps systemd
  gnome-keyring dbus libsecret-1-0
  @dockerd=docker.io @docker=docker.io @uv=python3-venv
)

# One dpkg-query for all packages: a second run has to cost milliseconds.
read_installed() {
  INSTALLED=" $(dpkg-query -W -f '${db:Status-Abbrev}\t${Package}\n' |
    sed -n 's/^ii *\t//p' | tr '\n' ' ')"
}

# missing_of REQUIREMENT...: prints the packages to install, one a line.
missing_of() {
  local requirement command package found
  for requirement in "$@"; do
    if [[ $requirement == @* ]]; then
      command=${requirement#@}
      package=${command#*=}
      command=${command%%=*}
      if have "$command" || [[ $INSTALLED == *" $package "* ]]; then continue; fi
      printf '%s\n' "$package"
      continue
    fi
    found=no
    for package in ${requirement//|/ }; do
      if [[ $INSTALLED == *" $package "* ]]; then found=yes; fi
    done
    if [[ $found == no ]]; then printf '%s\n' "${requirement%%|*}"; fi
  done
}

check_distribution() {
  local id='' codename=''
  if [[ -r /etc/os-release ]]; then
    id=$(. /etc/os-release && printf '%s' "${ID:-}")
    codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
  fi
  if [[ $id == debian && $codename == bookworm ]] && have apt-get; then return 0; fi
  fail "set-up knows Debian 12 (bookworm) only, this is ${id:-unknown} ${codename:-unknown}" \
    "Install these yourself: $*" \
    "then run again with THV_NO_INSTALL=1, which skips set-up."
}

apt() {
  as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 apt-get -q \
    -o DPkg::Lock::Timeout=600 "$@" </dev/null
}

APT_UPDATED=no
apt_update_once() {
  if [[ $APT_UPDATED == yes ]]; then return 0; fi
  APT_UPDATED=yes
  say "reading the package lists (apt-get update)"
  quietly "$ROOT/build/logs/apt-update.log" apt update ||
    printf 'warning: apt-get update failed; going on with the lists that are there\n' >&2
}

# apt_install PACKAGE...: never removes anything.
apt_install() {
  say "installing $# Debian packages: $*"
  quietly "$ROOT/build/logs/apt-install.log" \
    apt install --yes --no-install-recommends --no-remove "$@" ||
    fail "apt-get could not install: $*" \
      "Nothing was removed. The log above says what is in the way."
}

# Boost 1.81 lies beside Debian's default 1.74 only as a run-time library: the -dev packages push
# each other out. Where one of another version is installed, ours is unpacked under build/deps.
boost_unpacked() { compgen -G "$DEPS/usr/lib/*/cmake/Boost-1.81.0/BoostConfig.cmake" >/dev/null; }

install_boost() {
  local missing
  mapfile -t missing < <(missing_of "${BOOST_PACKAGES[@]}")
  if [[ ${#missing[@]} -eq 0 ]] || boost_unpacked; then return 0; fi
  check_distribution "${BUILD_PACKAGES[@]}" "${BOOST_PACKAGES[@]}"
  apt_update_once
  if apt -s install --no-install-recommends --no-remove "${missing[@]}" >/dev/null 2>&1; then
    apt_install "${missing[@]}"
  else
    unpack_boost
  fi
}

unpack_boost() {
  local packages runtime folder=$DEPS/debs/boost
  say "another Boost is installed: Boost 1.81 goes to build/deps, yours stays"
  mapfile -t packages < <(apt-cache depends --recurse --no-recommends --no-suggests \
    --no-conflicts --no-breaks --no-replaces --no-enhances "${BOOST_PACKAGES[@]}" |
    grep -E '^libboost[a-z-]*1\.81(\.0|-dev)$' | sort -u)
  mapfile -t runtime < <(printf '%s\n' "${packages[@]}" | grep -v -- '-dev$')
  mapfile -t runtime < <(missing_of "${runtime[@]}")
  if [[ ${#runtime[@]} -gt 0 ]]; then apt_install "${runtime[@]}"; fi
  rm -rf "$folder"
  mkdir -p "$folder"
  (
    cd "$folder" &&
      quietly "$ROOT/build/logs/boost-download.log" \
        apt-get -q -o APT::Sandbox::User="$(id -un)" download "${packages[@]}" &&
      printf '%s\0' *.deb | xargs -0 -I '{}' dpkg -x '{}' "$DEPS"
  ) || fail "Boost 1.81 could not be fetched into build/deps"
}

# Catch2 v3 is in Debian's backports only. The mirror is the one that this machine's own sources
# name; the list lives under build/deps, so apt's own state is not touched.
catch2_unpacked() { [[ -f $DEPS/usr/include/catch2/catch_test_macros.hpp ]]; }

install_catch2() {
  if catch2_unpacked || [[ -f /usr/include/catch2/catch_test_macros.hpp ]]; then return 0; fi
  check_distribution "${BUILD_PACKAGES[@]}" "${BOOST_PACKAGES[@]}" 'Catch2 3'
  local mirror signed_by options apt_dir=$DEPS/apt
  bookworm_sources() {
    apt-get indextargets --format '$(REPO_URI) $(SIGNED_BY)' \
      'Created-By: Packages' 'Release: bookworm' 2>/dev/null || true
  }
  if [[ -z $(bookworm_sources) ]]; then apt_update_once; fi
  read -r mirror signed_by < <(bookworm_sources | head -n 1) || true
  if [[ -z ${mirror:-} ]]; then
    fail "no mirror of bookworm found in this machine's apt sources" \
      "Add one (or install Catch2 3 so that CMake finds it), then run again."
  fi
  if [[ $signed_by != /* ]]; then signed_by=/usr/share/keyrings/debian-archive-keyring.gpg; fi
  if [[ ! -f $signed_by ]]; then apt_install debian-archive-keyring; fi
  say "fetching Catch2 3 from bookworm-backports into build/deps"
  rm -rf "$apt_dir"
  mkdir -p "$apt_dir"/{lists/partial,cache/archives/partial,debs}
  printf 'deb [signed-by=%s] %s bookworm-backports main\n' "$signed_by" "$mirror" \
    >"$apt_dir/backports.list"
  options=(
    -q -o Dir::Etc::SourceList="$apt_dir/backports.list" -o Dir::Etc::SourceParts=/dev/null
    -o Dir::State::Lists="$apt_dir/lists" -o Dir::Cache="$apt_dir/cache"
    -o APT::Sandbox::User="$(id -un)"
  )
  (
    cd "$apt_dir/debs" &&
      quietly "$ROOT/build/logs/catch2-update.log" apt-get "${options[@]}" update &&
      quietly "$ROOT/build/logs/catch2-download.log" \
        apt-get "${options[@]}" download libcatch2-dev/bookworm-backports &&
      dpkg -x libcatch2-dev_3.*.deb "$DEPS"
  ) || fail "Catch2 3 could not be fetched from $mirror (bookworm-backports)"
  rm -rf "$apt_dir"
}

# uv runs the uvx:// members. Debian has none and its pip refuses to install outside a venv.
install_uv() {
  mkdir -p "$DEPS/bin"
  if [[ -x $DEPS/bin/uv ]]; then return 0; fi
  if have uv; then return 0; fi
  local python=/usr/bin/python3
  say "installing uv $UV_VERSION into build/deps/venv-uv"
  rm -rf "$DEPS/venv-uv"
  quietly "$ROOT/build/logs/venv-uv.log" "$python" -m venv "$DEPS/venv-uv"
  quietly "$ROOT/build/logs/venv-uv.log" \
    "$DEPS/venv-uv/bin/pip" install --quiet "uv==$UV_VERSION"
  ln -sfn ../venv-uv/bin/uv "$DEPS/bin/uv"
  ln -sfn ../venv-uv/bin/uvx "$DEPS/bin/uvx"
}

# setup build|demo|test: everything that this purpose needs; a second call finds it all there.
setup() {
  local purpose=$1 wanted=("${BUILD_PACKAGES[@]}") missing
  case $purpose in
    build) ;;
    demo) wanted+=("${NODE_PACKAGES[@]}") ;;
    test) wanted+=("${NODE_PACKAGES[@]}" "${TEST_PACKAGES[@]}") ;;
    *) fail "setup: unknown purpose '$purpose'" "Expected build, demo or test." ;;
  esac
  PATH=$DEPS/bin:$PATH
  if [[ -n ${THV_NO_INSTALL:-} ]]; then
    say "THV_NO_INSTALL is set: installing nothing"
    return 0
  fi
  if ! have dpkg-query; then check_distribution "${wanted[@]}" "${BOOST_PACKAGES[@]}"; fi
  read_installed
  mapfile -t missing < <(missing_of "${wanted[@]}" | sort -u)
  if [[ ${#missing[@]} -gt 0 ]]; then
    check_distribution "${wanted[@]}" "${BOOST_PACKAGES[@]}"
    apt_update_once
    apt_install "${missing[@]}"
  fi
  install_boost
  if [[ $purpose == test ]]; then
    install_catch2
    install_uv
  fi
}
