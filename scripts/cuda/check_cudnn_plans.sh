#!/usr/bin/env bash
# Does cuDNN make a plan of every convolution of the examples and of `keratin bench`, for a described H200, A100 and RTX
# 5090? Asks the cuDNN that is installed, the newest, and the oldest that is used; pip brings these two below build/, which
# takes some 4 GB. Needs no GPU and no driver, but python3 with venv and a package index. The test CudnnPlans asks the
# installed one alone. The constants that the backend declares for itself are compared with the headers of both.
#   scripts/cuda/check_cudnn_plans.sh [BUILD]     build/release unless told
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build=${1:-build/release}
program=$build/tests/cudnn_plans/keratin_cudnn_plans
[[ -x $program ]] || { echo "$program is not there: './dev build' makes it"; exit 1; }

# check MAJOR: for CUDA of this major version.
check() {
  local capability status
  for capability in 90 80 120; do
    status=0
    "$program" "$capability" "$1" || status=$?
    ((status == 0)) || return "$status"
  done
}

# by_pip NAME MAJOR PACKAGE...: the first is cuDNN, the others have headers that its own include.
by_pip() {
  local venv=$PWD/build/cudnn-venv-$1 status=0
  printf '\n%s cuDNN, by pip\n' "$1"
  [[ -x $venv/bin/python ]] || python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --upgrade "${@:3}"
  local packages=("$venv"/lib/python3*/site-packages/nvidia)
  g++ -std=c++20 -fsyntax-only -I "$build/include" -isystem "${packages[0]}/cudnn/include" \
    -isystem "${packages[0]}/cublas/include" -isystem "${packages[0]}/cuda_runtime/include" \
    -isystem "${packages[0]}/cu$2/include" backends/cuda/api/check_constants.cpp
  KERATIN_CUDA_PATH=$venv check "$2" || status=$?
  ((status != 77)) || echo 'cuDNN was not found, though pip has installed it'
  return "$status"
}

echo 'installed cuDNN'
status=0
check 13 || status=$?
((status == 0 || status == 77)) || exit "$status"
by_pip newest 13 nvidia-cudnn-cu13 'nvidia-cuda-runtime>=13,<14' 'nvidia-cuda-crt>=13,<14'
by_pip oldest 12 'nvidia-cudnn-cu12==9.8.*' nvidia-cuda-runtime-cu12
