#!/usr/bin/env bash
# Proves the CUDA backend on a machine with a GPU, in two halves, because that machine may have nothing but a driver and
# Python wheels of cuBLAS and cuDNN:
#
#   scripts/gpu_check.sh pack FOLDER          here, after a build: programs, modules, tests and the libraries they need
#   FOLDER/gpu_check.sh run RESULTS [STAGE..] there: everything below, under ten minutes; a log and a verdict each
#   scripts/gpu_check.sh all RESULTS          both, on a machine that can build
#
# Stages: doctor, device, optable, suite, graph, deterministic, accuracy, sanitizer, speed, peers.
# BUILD names the build folder (default build/release); PYTHON an interpreter with torch and jax.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 2; }

# ---- pack -------------------------------------------------------------------------------------------------------------

pack() {
  local to=$1 build=${BUILD:-$here/../build/release} file library
  [[ -x $build/tests/keratin_tests ]] || die "no tests in $build; build first, or name another folder with BUILD="
  compgen -G "$build/keratin/libkeratin_cuda*.so" >/dev/null || die "$build has no CUDA module: KERATIN_CUDA=ON says why"
  rm -rf "$to" && mkdir -p "$to/bin" "$to/lib/keratin" || exit 2
  cp "$build"/tests/keratin_tests "$to/bin/"
  for file in tools/keratin benchmarks/keratin_training_benchmark tests/cudnn_plans/keratin_cudnn_plans \
              examples/mnist_mlp examples/mnist_cnn; do
    [[ ! -x $build/$file ]] || cp "$build/$file" "$to/bin/"
  done
  cp -P "$build"/libkeratin.so* "$to/lib/"
  cp "$build"/keratin/libkeratin_cuda*.so "$to/lib/keratin/"
  cp -r "$build/modules" "$to/modules"
  # What the other machine may lack; the C library and its loader are its own.
  ldd "$to"/bin/* "$to"/lib/libkeratin.so | awk '$2 == "=>" && $3 ~ /^\// {print $3}' | sort -u |
    grep -vE '/(libc|libm|libdl|librt|libpthread|ld-linux[^/]*)\.so|libkeratin' | while read -r library; do
    cp -L "$library" "$to/lib/"
  done
  cp "$here/gpu_check.sh" "$here/benchmarks/gpu_peers.py" "$to/"
  say "packed into $to ($(du -sh "$to" | cut -f1))"
}

# ---- run --------------------------------------------------------------------------------------------------------------

verdicts=()
failures=0
total_seconds=${GPU_CHECK_SECONDS:-590}

# stage NAME SECONDS COMMAND...: output to RESULTS/NAME.log; 77 is a skip.
stage() {
  local name=$1 seconds=$2 start=$SECONDS status=0 verdict
  shift 2
  [[ -z $wanted || " $wanted " == *" $name "* ]] || return 0
  ((SECONDS + seconds <= total_seconds)) || seconds=$((total_seconds - SECONDS))
  if ((seconds < 5)); then
    verdicts+=("$(printf '%-18s %-14s' 'no time left' "$name")")
    failures=$((failures + 1))
    return 0
  fi
  timeout --kill-after=10 "$seconds" "$@" >"$results/$name.log" 2>&1 || status=$?
  case $status in
    0) verdict=ok ;;
    77) verdict=skipped ;;
    124 | 137) verdict='FAIL (out of time)' failures=$((failures + 1)) ;;
    *) verdict=FAIL failures=$((failures + 1)) ;;
  esac
  verdicts+=("$(printf '%-18s %-14s %4d s' "$verdict" "$name" $((SECONDS - start)))")
  say "${verdicts[-1]}"
  [[ $verdict == FAIL* ]] && tail -n 15 "$results/$name.log" | sed 's/^/   | /' >&2
  return 0
}

benchmark() { "$bin/keratin_training_benchmark" --warm-up-seconds 0 "$@"; }
# field NAME: a field of a line of JSON on stdin.
field() { sed -E "s/.*\"$1\":\"?([^,\"}]*).*/\1/"; }

device_description() { "$bin/keratin_cudnn_plans" --dump | tail -n 1 | tee "$results/deviceprop.json"; }

op_table() { KERATIN_DEVICE=cuda "$bin/keratin_tests" --gtest_filter='OpTable*:*/OpTable*-*FiniteDifferences*:*TheOtherOnes*'; }

# The whole suite with the GPU as the device: layers, losses, optimizers, fit, goldens from Keras. Tests of the build
# tree and of other devices stay out: they have been run where the build is.
suite() {
  KERATIN_DEVICE=cuda KERATIN_FLOAT32_PRECISION=highest "$bin/keratin_tests" --gtest_filter="$(
    printf %s '-*Slow*:*House*:*SourceRules*:*Docs*:*CompileCost*:*Symbols*:*Loader*:*AutoDevice*:*Doctor*:*OpTable*:' \
              '*Isa*:*Thread*:*Death*:Cpu*:SimulatedGpu*:*Allocation*:*Kernels*')"
}

# A graph that is replayed must give the bits of the eager steps.
graph_equals_eager() {
  local model eager replayed
  for model in mlp cnn lstm; do
    replayed=$(benchmark --device cuda --model "$model" --precision highest --deterministic --steps 100 --warm-up-steps 5)
    eager=$(KERATIN_CUDA_GRAPH=0 benchmark --device cuda --model "$model" --precision highest --deterministic --steps 100 \
      --warm-up-steps 5)
    printf 'graph %s\neager %s\n' "$replayed" "$eager"
    [[ -n $replayed && $(field weights_hash <<<"$replayed") == "$(field weights_hash <<<"$eager")" ]] || return 1
  done
}

two_runs_equal() {
  local model first second
  for model in mlp cnn lstm; do
    first=$(benchmark --device cuda --model "$model" --precision highest --deterministic --steps 300 --warm-up-steps 5)
    second=$(benchmark --device cuda --model "$model" --precision highest --deterministic --steps 300 --warm-up-steps 5)
    printf '%s\n%s\n' "$first" "$second"
    [[ -n $first && $(field weights_hash <<<"$first") == "$(field weights_hash <<<"$second")" ]] || return 1
  done
}

# The bundled digits, three seeds on each device: the medians may differ by 0.3 points.
accuracy() {
  local program device seed line
  for program in mnist_mlp mnist_cnn; do
    [[ -x $bin/$program ]] || return 77
    for device in cpu cuda; do
      for seed in 1 2 3; do
        "$bin/$program" --device "$device" --data "${KERATIN_MNIST:-digits}" --epochs 2 --seed "$seed" --threads "$(nproc)" \
          --report "$results/$program.json" >&2 || return 1
        line=$(tr -d '\n' <"$results/$program.json" | sed -E 's/.*"test_accuracy": ?([0-9.]+).*/\1/')
        printf '%s %s %s %s\n' "$program" "$device" "$seed" "$line"
      done
    done
  done | tee "$results/accuracy.txt" || return 1
  awk '{a[$1, $2, ++n[$1, $2]] = $4; p[$1]}
       function middle(k, d,   x, y, z) {
         x = a[k, d, 1]; y = a[k, d, 2]; z = a[k, d, 3]
         return x + y + z - (x > y ? (x > z ? x : z) : (y > z ? y : z)) - (x < y ? (x < z ? x : z) : (y < z ? y : z))
       }
       END {for (k in p) {
         d = middle(k, "cuda") - middle(k, "cpu"); scale = middle(k, "cpu") > 1 ? 1 : 100
         printf "%s: cuda - cpu = %.2f points\n", k, d * scale
         if (d * scale > 0.3 || d * scale < -0.3) bad = 1
       } exit bad}' "$results/accuracy.txt"
}

sanitizer() {
  local tool program
  program=$(command -v compute-sanitizer || ls /usr/local/cuda*/bin/compute-sanitizer 2>/dev/null | head -n 1)
  [[ -n $program ]] || { echo 'compute-sanitizer is not installed'; return 77; }
  for tool in memcheck racecheck; do
    echo "== $tool"
    KERATIN_DEVICE=cuda "$program" --tool "$tool" --error-exitcode 9 "$bin/keratin_tests" \
      --gtest_filter='*OpTable.ValuesAreTheReferences/*-*conv*:*matmul*' || return 1
  done
  # Which libraries read uninitialised is theirs to know; ours are checked with small programs of their own kernels.
  echo '== initcheck'
  KERATIN_DEVICE=cuda "$program" --tool initcheck --error-exitcode 9 "$bin/keratin_tests" \
    --gtest_filter='*OpTable.ValuesAreTheReferences/unary:*OpTable.ValuesAreTheReferences/softmax' || return 1
}

# Targets on an H200: 35 us for the MLP and 180 us for the CNN at batch 128 and `high`.
speed() {
  local model precision batch
  # The LSTM by cuDNN and as a loop; 100 steps of a loop are some thousand launches.
  for precision in high highest; do
    benchmark --device cuda --model lstm --precision "$precision" --steps 200 --warm-up-steps 20 || return 1
    KERATIN_CUDA_RNN=0 benchmark --device cuda --model lstm --precision "$precision" --steps 50 --warm-up-steps 5 || return 1
  done | tee "$results/speed_lstm.jsonl" || return 1
  for model in mlp cnn; do
    for precision in high highest; do
      for batch in 128 32 1024; do
        benchmark --device cuda --model "$model" --precision "$precision" --batch-size "$batch" --steps 500 --warm-up-steps 50 ||
          return 1
      done
    done
    KERATIN_CUDA_GRAPH=0 benchmark --device cuda --model "$model" --precision high --steps 500 --warm-up-steps 50 || return 1
    benchmark --device cpu --threads "$(nproc)" --model "$model" --steps 100 --warm-up-steps 10 || return 1
  done | tee "$results/speed.jsonl"
}

peers() {
  local python=${PYTHON:-python3} library status=77
  for library in pytorch jax; do
    "$python" -c "import ${library/pytorch/torch}" 2>/dev/null || { echo "$library is not installed for $python"; continue; }
    XLA_PYTHON_CLIENT_PREALLOCATE=false "$python" "$peers_program" "$library" | tee -a "$results/peers.jsonl" && status=0
  done
  return $status
}

run() {
  results=$1
  shift
  wanted="$*"
  mkdir -p "$results" && results=$(cd "$results" && pwd) || exit 2
  : >"$results/peers.jsonl"
  if [[ -d $here/bin ]]; then  # packed
    bin=$here/bin peers_program=$here/gpu_peers.py
    export LD_LIBRARY_PATH=$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} KERATIN_BACKEND_PATH=$here/lib/keratin
    export KERATIN_TEST_MODULES=$here/modules
  else
    local build=${BUILD:-$here/../build/release}
    bin=$results/bin peers_program=$here/benchmarks/gpu_peers.py
    mkdir -p "$bin"
    for file in tests/keratin_tests tools/keratin benchmarks/keratin_training_benchmark examples/mnist_mlp examples/mnist_cnn \
                tests/cudnn_plans/keratin_cudnn_plans; do
      [[ ! -x $build/$file ]] || ln -sf "$(cd "$build" && pwd)/$file" "$bin/"
    done
  fi
  export bin peers_program results
  nvidia-smi >"$results/nvidia-smi.txt" 2>&1 || true
  stage doctor 60 "$bin/keratin" doctor --json
  stage device 60 "${BASH_SOURCE[0]}" stage device_description
  stage optable 120 "${BASH_SOURCE[0]}" stage op_table
  stage suite 150 "${BASH_SOURCE[0]}" stage suite
  stage graph 60 "${BASH_SOURCE[0]}" stage graph_equals_eager
  stage deterministic 60 "${BASH_SOURCE[0]}" stage two_runs_equal
  stage accuracy 120 "${BASH_SOURCE[0]}" stage accuracy
  stage speed 120 "${BASH_SOURCE[0]}" stage speed
  stage peers 240 "${BASH_SOURCE[0]}" stage peers
  stage sanitizer 200 "${BASH_SOURCE[0]}" stage sanitizer
  { date -u +%FT%TZ; printf '%s\n' "${verdicts[@]}"; } | tee "$results/summary.txt"
  exit $((failures > 0))
}

case ${1:-} in
  stage) "$2" ;;  # from below: timeout runs programs, not functions
  pack) [[ -n ${2:-} ]] || die "usage: gpu_check.sh pack FOLDER"; pack "$2" ;;
  run) [[ -n ${2:-} ]] || die "usage: gpu_check.sh run RESULTS [STAGE...]"; shift; run "$@" ;;
  all) [[ -n ${2:-} ]] || die "usage: gpu_check.sh all RESULTS"; shift; run "$@" ;;
  *) sed -n '2,12p' "${BASH_SOURCE[0]}" | sed 's/^# \{0,1\}//'; exit 2 ;;
esac
