# Stages with a time budget, a log and a verdict; sourced by .ci/run and .ci/full.
# shellcheck shell=bash
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
exec </dev/null
export CI=true GTEST_COLOR=no CTEST_OUTPUT_ON_FAILURE=1 CMAKE_COLOR_DIAGNOSTICS=OFF
export NINJA_STATUS='[%f/%t %es] '

logs=build/ci
mkdir -p "$logs"
verdicts=()
failures=0

# stage NAME MINUTES COMMAND...: runs the command, at most so long; its output goes to build/ci/NAME.log.
stage() {
  local name=$1 minutes=$2 log=$logs/$1.log start=$SECONDS status=0 verdict
  shift 2
  if [[ -n ${total_minutes:-} ]] && ((SECONDS + minutes * 60 > total_minutes * 60)); then
    minutes=$((total_minutes - SECONDS / 60))
    if ((minutes < 1)); then
      verdicts+=("$(printf 'FAIL  %-12s no time left' "$name")")
      failures=$((failures + 1))
      return 1
    fi
  fi
  printf '\n== %s: %s (at most %d min)\n' "$name" "$*" "$minutes"
  timeout --kill-after=20 "$((minutes * 60))" "$@" >"$log" 2>&1 || status=$?
  if ((status == 0)); then
    verdict=ok
    grep -E '^([0-9]+% tests passed|TOTAL|lines:|\[  (PASSED|SKIPPED) )' "$log"
  else
    verdict=FAIL
    failures=$((failures + 1))
    printf '   the end of %s:\n' "$log"
    tail -n 60 "$log" | sed 's/^/   | /'
    ((status != 124 && status != 137)) || verdict='FAIL (out of time)'
  fi
  verdicts+=("$(printf '%-5s %-12s %4d s of %d' "$verdict" "$name" $((SECONDS - start)) $((minutes * 60)))")
  printf '%s\n' "${verdicts[-1]}"
  return "$status"
}

# What the stages came to; the exit status is that of the whole run.
summary() {
  printf '\n== stages, %d s in all\n' "$SECONDS"
  printf '%s\n' "${verdicts[@]}"
}
