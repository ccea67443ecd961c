#!/usr/bin/env bash
# Does cuDNN make a plan of every convolution of the examples and of `keratin bench`, for a described H200, A100 and RTX
# 5090? Needs no GPU and no driver, but cuDNN 9.8 or newer: where none is found, pip installs it below build/, which takes
# some 2 GB. Unlike the tests CudnnPlans, which are skipped then.
#   scripts/cuda/check_cudnn_plans.sh [BUILD]     build/release unless told
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
program=${1:-build/release}/tests/cudnn_plans/keratin_cudnn_plans
[[ -x $program ]] || { echo "$program is not there: './dev build' makes it"; exit 1; }
venv=$PWD/build/cudnn-venv

check() {
  local capability status
  for capability in 90 80 120; do
    status=0
    "$program" "$capability" || status=$?
    ((status == 0)) || return "$status"
  done
}

status=0
check || status=$?
if ((status == 77)); then
  [[ -x $venv/bin/python ]] || python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check nvidia-cudnn-cu13
  export VIRTUAL_ENV=$venv
  status=0
  check || status=$?
fi
((status != 77)) || echo 'cuDNN was not found, though pip has installed it'
exit "$status"
