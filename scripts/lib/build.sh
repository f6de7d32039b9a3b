# SPDX-License-Identifier: Apache-2.0
# Configuring and building one CMake preset. Sourced after common.sh.

# What only tests and benchmarks link comes with `setup test`; without it they are left out of the
# configuration, and the examples with them.
has_test_libraries() {
  [[ -d $DEPS/usr/include/catch2 || -d /usr/include/catch2/internal ]] &&
    [[ -f /usr/include/benchmark/benchmark.h ]]
}

# configure PRESET [CMAKE_ARGUMENT...]: does nothing where it was done with the same arguments;
# Ninja itself configures again when a CMake file changed.
configure() {
  local preset=$1 folder=$ROOT/build/$1 arguments=() stamp
  shift
  if have ccache; then
    arguments+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DCMAKE_C_COMPILER_LAUNCHER=ccache)
  fi
  local tests=OFF
  if has_test_libraries; then tests=ON; fi
  arguments+=("-DTHV_BUILD_TESTS=$tests")
  if [[ $preset == release ]]; then
    arguments+=("-DTHV_BUILD_EXAMPLES=$tests" "-DTHV_BUILD_BENCHMARKS=$tests")
  fi
  arguments+=("$@")
  stamp="${arguments[*]} $(cksum <"$ROOT/CMakePresets.json")"
  if [[ -f $folder/build.ninja && $(cat "$folder/.configured" 2>/dev/null) == "$stamp" ]]; then
    return 0
  fi
  say "configuring preset $preset"
  (cd "$ROOT" && quietly "$ROOT/build/logs/configure-$preset.log" \
    cmake --preset "$preset" "${arguments[@]}")
  printf '%s' "$stamp" >"$folder/.configured"
}

# build_targets PRESET PATTERN: the configuration's targets whose names match, one a line.
build_targets() {
  cmake --build "$ROOT/build/$1" --target help | sed -n 's/^\([^:]*\): phony$/\1/p' |
    grep -xE -- "$2" || true
}

# compile PRESET [TARGET...]
compile() {
  local preset=$1 target arguments=()
  shift
  for target in "$@"; do arguments+=(--target "$target"); done
  say "building preset $preset${*:+: $*}"
  cmake --build "$ROOT/build/$preset" -j "$JOBS" "${arguments[@]}" </dev/null
}

# The program and its plugins, as a user wants them: no tests, examples or benchmarks.
build_program() {
  local wanted=(cli/all) folder
  for folder in "$ROOT"/plugins/*/; do
    folder=${folder%/}
    if [[ -f $folder/plugin.cpp ]]; then wanted+=("plugins/${folder##*/}/all"); fi
  done
  configure release
  compile release "${wanted[@]}"
  [[ -x $ROOT/build/release/bin/thv-engine ]] ||
    fail "the build made no build/release/bin/thv-engine"
  compgen -G "$ROOT/build/release/lib/thv/plugins/*.so" >/dev/null ||
    fail "the build made no plugin in build/release/lib/thv/plugins"
}
