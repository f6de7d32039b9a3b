# SPDX-License-Identifier: Apache-2.0
# The stages of scripts/test. Sourced after common.sh, packages.sh and build.sh.

ENGINES_DIR=$ROOT/tests/support/engines

# run_ctest PRESET ARGUMENT...: a selection that finds no test is a failure.
run_ctest() {
  local preset=$1
  shift
  ctest --test-dir "$ROOT/build/$preset" --output-on-failure --no-tests=error "$@" </dev/null
}

stage_format() {
  local files unformatted
  mapfile -t files < <(cd "$ROOT" && find include impl plugins cli tests examples benchmarks \
    -type f \( -name '*.hpp' -o -name '*.cpp' -o -name '*.ipp' -o -name '*.c' -o -name '*.h' \) |
    sort)
  [[ ${#files[@]} -gt 0 ]] || fail "no source file found"
  have clang-format-14 || fail "clang-format-14 is not installed" "Run: scripts/setup test"
  unformatted=$(cd "$ROOT" && clang-format-14 --dry-run -Werror "${files[@]}" 2>&1 |
    sed -n 's/^\([^: ]*\):[0-9].*/\1/p' | sort -u || true)
  [[ -z $unformatted ]] || fail "not formatted: ${unformatted//$'\n'/ }" \
    "Run: clang-format-14 -i ${unformatted//$'\n'/ }"
  printf '%d files are formatted\n' "${#files[@]}"
}

stage_release() {
  configure release
  compile release
  "$ENGINES_DIR/servers"
  export THV_TEST_NPM_DIR=$ROOT/build/test-engines/npm
  export THV_TEST_TINY=$ROOT/build/test-engines/tiny
  run_ctest release -LE 'docker|systemd' -j "$JOBS"
}

stage_engines() {
  configure release
  compile release
  local stop_docker=true
  if "$ENGINES_DIR/docker" status; then stop_docker=false; fi
  # However this stage ends: what it started is stopped, a daemon that ran before goes on.
  trap '"$ENGINES_DIR/registry" stop; if '"$stop_docker"'; then "$ENGINES_DIR/docker" stop; fi' EXIT
  "$ENGINES_DIR/docker" start
  eval "$("$ENGINES_DIR/docker" env)"
  "$ENGINES_DIR/images"
  "$ENGINES_DIR/registry" start
  eval "$("$ENGINES_DIR/registry" env)"
  export THV_TEST_NPM_DIR=$ROOT/build/test-engines/npm
  export THV_TEST_TINY=$ROOT/build/test-engines/tiny
  run_ctest release -L 'docker|systemd'
}

# A sanitizer build makes only the executables that its tests are in.
sanitizer_stage() {
  local preset=$1 label=$2
  configure "$preset"
  compile "$preset" "tests_$label"
  # g++ 12's thread sanitizer can't live with as much address randomisation as new kernels have.
  if setarch "$(uname -m)" -R true 2>/dev/null; then
    ctest() { setarch "$(uname -m)" -R ctest "$@"; }
  fi
  run_ctest "$preset" -L "^$label\$" -j "$JOBS"
}

stage_asan() { sanitizer_stage asan unit; }

stage_tsan() { sanitizer_stage tsan tsan; }

FUZZ_RUNS=100000

# fuzz_one PROGRAM: the same runs each time, so that what one machine finds another finds too: the
# seeds in the order of their names, the same random numbers, no randomised addresses. To explore,
# THV_FUZZ_SECONDS goes on for that long from what is in build/fuzz-corpus, and THV_FUZZ_SEED has
# other numbers.
fuzz_one() {
  local program=$1 name=${1##*/} corpus log seeds how=() still=()
  seeds=$ROOT/tests/fuzz/corpus/${name#fuzz_}
  corpus=$ROOT/build/fuzz-corpus/$name
  log=$ROOT/build/logs/$name.log
  mkdir -p "$ROOT/build/logs" "$ROOT/build/fuzz-crashes"
  if [[ -n ${THV_FUZZ_SECONDS:-} ]]; then
    mkdir -p "$corpus"
    how=(-max_total_time="$THV_FUZZ_SECONDS" "$corpus" "$seeds")
  else
    find "$seeds" -type f | LC_ALL=C sort | paste -s -d, | tr -d '\n' >"$log.seeds"
    how=(-runs="$FUZZ_RUNS" -shuffle=0 -seed_inputs="@$log.seeds")
  fi
  if setarch "$(uname -m)" -R true 2>/dev/null; then still=(setarch "$(uname -m)" -R); fi
  if ! "${still[@]}" "$program" -seed="${THV_FUZZ_SEED:-1}" -timeout=20 \
    -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$ROOT/build/fuzz-crashes/$name-" \
    "${how[@]}" >"$log" 2>&1 </dev/null; then
    tail -n 40 "$log" >&2
    printf 'fuzz: %s failed, its input is in build/fuzz-crashes\n' "$name" >&2
    return 1
  fi
  printf 'fuzz: %-28s %s runs, no failure\n' "$name" \
    "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
}

stage_fuzz() {
  local wanted name failures=0 running=0
  configure fuzz
  mapfile -t wanted < <(build_targets fuzz 'fuzz_[a-z0-9_]+')
  [[ ${#wanted[@]} -gt 0 ]] || fail "preset fuzz has no target fuzz_…"
  compile fuzz "${wanted[@]}"
  for name in "${wanted[@]}"; do
    fuzz_one "$(find "$ROOT/build/fuzz" -type f -name "$name" -perm -u+x | head -n 1)" &
    running=$((running + 1))
    if [[ $running -ge $JOBS ]]; then
      wait -n || failures=$((failures + 1))
      running=$((running - 1))
    fi
  done
  while [[ $running -gt 0 ]]; do
    wait -n || failures=$((failures + 1))
    running=$((running - 1))
  done
  [[ $failures -eq 0 ]] || fail "$failures of ${#wanted[@]} fuzz targets failed"
  printf 'fuzz: %d targets, none failed\n' "${#wanted[@]}"
}

stage_benchmarks() {
  local found
  configure release
  compile release benchmarks/all
  mapfile -t found < <(find "$ROOT/build/release" -type f -perm -u+x \
    \( -name 'bench_*' -o -name '*_bench' \))
  [[ ${#found[@]} -gt 0 ]] || fail "no benchmark was built"
  printf '%d benchmark programs are built; benchmarks/README.md says how to run them\n' \
    "${#found[@]}"
}
