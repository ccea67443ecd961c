#!/usr/bin/env bash
# Proves the CUDA backend on a machine with a GPU, in two halves, because that machine may have nothing but a driver and
# Python wheels of cuBLAS and cuDNN:
#
#   scripts/gpu_check.sh pack FOLDER          here: builds, and packs programs, modules, tests and the libraries they need
#   FOLDER/gpu_check.sh run RESULTS [STAGE..] there: everything below, under ten minutes; a log and a verdict each
#   scripts/gpu_check.sh all RESULTS          both, on a machine that can build; packs into RESULTS/packed
#
# Stages: doctor, device, optable, suite, graph, deterministic, examples, accuracy, speed, peers, targets, sanitizer.
# BUILD names the build folder (default build/release; its KERATIN_BUILD_BENCHMARKS is switched on), PYTHON an interpreter
# with torch and jax. KERATIN_MNIST, a folder with MNIST's IDX files, makes accuracy prove more; pack takes it along.
# GPU_CHECK_SECONDS is the time in all. GPU_CHECK_DEVICE=cudasim tries the script itself on the simulated GPU.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

say() { printf '%s\n' "$*" >&2; }
die() { say "gpu_check: $*"; exit 2; }

# ---- pack -------------------------------------------------------------------------------------------------------------

programs=(tests/keratin_tests tools/keratin benchmarks/keratin_training_benchmark tests/cudnn_plans/keratin_cudnn_plans
  examples/mnist_mlp examples/mnist_cnn examples/mnist_lstm examples/digits_gan examples/gpu_list examples/gpu_matmul
  examples/gpu_speedup examples/gpu_missing_library)

# The presets leave out the benchmarks, without which no step can be timed or compared.
build_programs() {
  local build=$1 source=$2 log=$1/gpu_check.log
  [[ -f $build/CMakeCache.txt ]] || die "$build was not configured: './dev build' does that, or name another with BUILD="
  say "building in $build; what is printed goes to $log"
  if ! { cmake -S "$source" -B "$build" -DKERATIN_BUILD_BENCHMARKS=ON &&
         cmake --build "$build" --parallel "${JOBS:-$(nproc)}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    die "the build failed"
  fi
}

pack() {
  local to=$1 source=${here%/*} file library missing=()
  local build=${BUILD:-$source/build/release}
  if [[ -e $to && ! -f $to/gpu_check.sh && -n $(ls -A "$to") ]]; then
    die "$to holds something else than an earlier pack; name a new folder"
  fi
  build_programs "$build" "$source"
  for file in "${programs[@]}"; do [[ -x $build/$file ]] || missing+=("$file"); done
  ((${#missing[@]} == 0)) || die "$build has no ${missing[*]}: tests, tools, examples and benchmarks must be built" \
    "(KERATIN_BUILD_TESTS, _TOOLS, _EXAMPLES, _BENCHMARKS and BUILD_SHARED_LIBS ON)"
  compgen -G "$build/keratin/libkeratin_cuda*.so" >/dev/null ||
    die "$build has no CUDA module: cmake -B $build -DKERATIN_CUDA=ON says why"
  rm -rf "$to" && mkdir -p "$to/bin" "$to/lib/keratin" "$to/source" || exit 2
  for file in "${programs[@]}"; do cp "$build/$file" "$to/bin/" || exit 2; done
  cp -P "$build"/libkeratin.so* "$to/lib/"
  cp "$build"/keratin/libkeratin_cuda*.so "$to/lib/keratin/"
  cp -r "$build/modules" "$to/modules"
  # What tests read of the source tree (tests/support/source_path.h).
  (cd "$source" && { find tests/goldens tests/fixtures scripts/download_mnist.sh -type f -print0
                     find core/ops layers -name '*.h' -print0; } | xargs -0 cp --parents -t "$to/source") || exit 2
  # What the other machine may lack; the C library and its loader are its own.
  ldd "$to"/bin/* "$to"/lib/libkeratin.so | awk '$2 == "=>" && $3 ~ /^\// {print $3}' | sort -u |
    grep -vE '/(libc|libm|libdl|librt|libpthread|libresolv|libutil|libanl|ld-linux[^/]*)\.so|libkeratin' | while read -r library; do
    cp -L "$library" "$to/lib/"
  done
  # Their symbol tables are a quarter of the pack.
  ! command -v strip >/dev/null || find "$to/bin" "$to"/lib/libkeratin.so.*.*.* "$to/modules" -type f -exec strip --strip-unneeded {} +
  cp "$here/gpu_check.sh" "$here/benchmarks/gpu_peers.py" "$here/benchmarks/gpu_targets.py" "$to/"
  if [[ -n ${KERATIN_MNIST:-} ]]; then
    mkdir "$to/mnist" && cp "$KERATIN_MNIST"/*-ubyte "$to/mnist/"
    [[ -n $(ls -A "$to/mnist") ]] || die "KERATIN_MNIST=$KERATIN_MNIST has no unpacked IDX files of MNIST"
  fi
  say "packed into $to ($(du -sh "$to" | cut -f1))"
}

# ---- run --------------------------------------------------------------------------------------------------------------

verdicts=()
failures=0
stage_name=${stage_name:-} stage_seconds=${stage_seconds:-0}
total_seconds=${GPU_CHECK_SECONDS:-590}
device=${GPU_CHECK_DEVICE:-cuda}

# note TEXT...: a line that the summary shows beside the stage's verdict.
note() {
  printf '%s\n' "$*" | tee -a "$results/$stage_name.note"
}

# stage NAME SECONDS COMMAND...: output to RESULTS/NAME.log; 77 is a skip. All limits together keep to the time in all;
# what earlier stages left is added, and stages that were asked for by name may take four times as long.
planned=0
stage() {
  local name=$1 seconds=$2 start=$SECONDS status=0 verdict
  planned=$((planned + seconds))
  shift 2
  # Doctor comes first, asked for or not: without a GPU nothing else means anything.
  [[ -z $wanted || $name == doctor || " $wanted " == *" $name "* ]] || return 0
  if [[ -n $wanted ]]; then
    seconds=$((4 * seconds))
  elif ((SECONDS + seconds < planned)); then
    seconds=$((planned - SECONDS))
  fi
  ((SECONDS + seconds <= total_seconds)) || seconds=$((total_seconds - SECONDS))
  rm -f "$results/$name.note"
  if [[ -n ${no_gpu:-} ]]; then
    verdict='FAIL (no GPU)' failures=$((failures + 1))
  elif ((seconds < 5)); then
    verdict='FAIL (no time)' failures=$((failures + 1))
  else
    stage_name=$name stage_seconds=$seconds timeout --kill-after=10 "$seconds" "$@" </dev/null >"$results/$name.log" 2>&1 ||
      status=$?
    case $status in
      0) verdict=ok ;;
      77) verdict=SKIPPED ;;
      124 | 137) verdict='FAIL (out of time)' failures=$((failures + 1)) ;;
      *) verdict=FAIL failures=$((failures + 1)) ;;
    esac
  fi
  verdicts+=("$(printf '%-18s %-14s %4d s' "$verdict" "$name" $((SECONDS - start)))")
  [[ ! -f $results/$name.note ]] || verdicts[-1]+=$'\n'$(sed 's/^/                   /' "$results/$name.note")
  say "${verdicts[-1]}"
  if [[ $name == doctor && -f $results/doctor.note ]]; then
    no_gpu=1
  elif [[ $verdict == FAIL* && -z ${no_gpu:-} && -f $results/$name.log ]]; then
    tail -n 15 "$results/$name.log" | sed 's/^/   | /' >&2
  fi
}

benchmark() { "$bin/keratin_training_benchmark" --warm-up-seconds 0 "$@"; }
# field NAME: a field of a line of JSON on stdin.
field() { sed -E "s/.*\"$1\":\"?([^,\"}]*).*/\1/"; }

# tests FILTER: these tests with the GPU as the device, in some processes at once. True float32: the tolerances are those
# of the CPU. KERATIN_CPU_ISA keeps the op table from the simulated GPU, which has had its turn.
tests() {
  local filter=$1 shards=4 i status=0 pids=()
  (($(nproc) >= shards)) || shards=$(nproc)
  for ((i = 0; i < shards; ++i)); do
    KERATIN_DEVICE=$device KERATIN_FLOAT32_PRECISION=highest GTEST_TOTAL_SHARDS=$shards GTEST_SHARD_INDEX=$i \
      "$bin/keratin_tests" --gtest_filter="$filter" >"$results/$stage_name.$i.log" 2>&1 &
    pids+=($!)
  done
  for i in "${!pids[@]}"; do
    wait "${pids[i]}" || status=1
    cat "$results/$stage_name.$i.log"
  done
  ((status == 0)) || grep -hE '^\[  FAILED  \]' "$results/$stage_name".*.log | sort -u
  return "$status"
}

# all_captured: fails when a plan of this stage could not be captured: then it ran eagerly, and no replay is proved.
all_captured() {
  # -q: the log is also where this writes to, and grep reads no such file to print what it finds.
  ! grep -q 'could not be captured' "$results/$stage_name.log" ||
    { note "plans could not be captured as CUDA graphs: see $stage_name.log"; return 1; }
}

# Each of the four libraries that doctor asks may take so many seconds, and the module four times as long: 40 together,
# less than the stage has, so that it is doctor who tells of one that hangs. A driver that nobody keeps loaded takes
# seconds to start.
doctor() {
  "$bin/keratin" doctor --json --timeout 5 >"$results/doctor.json"
  local status=$?
  cat "$results/doctor.json"
  if [[ $device == cuda ]] && ! grep -q '"usable": true' "$results/doctor.json"; then
    note "no GPU can be used here: $(sed -n '0,/"text"/s/^ *"text": "\(.*\)",$/\1/p' "$results/doctor.json")"
    return 1
  fi
  "$bin/keratin" devices || status=1  # with a driver that hangs it would, too
  return "$status"
}

device_description() {
  [[ $device == cuda ]] || { note "cuDNN describes real GPUs only"; return 77; }
  if grep -qE '"cause": "(cudnn_|library_wrong_major)' "$results/doctor.json"; then
    note "cuDNN is not what it should be (doctor.json): all that follows may be without it"
    return 1
  fi
  "$bin/keratin_cudnn_plans" --dump | tail -n 1 | tee "$results/deviceprop.json"
}

op_table() {
  local status=0
  KERATIN_CPU_ISA=$(cpu_isa) tests '*/OpTable.*:OpTableCoverage*-*FiniteDifferences*' || status=1
  all_captured || status=1
  return "$status"
}

# The best instruction set of this processor, by the name that KERATIN_CPU_ISA knows.
cpu_isa() {
  if grep -qw avx512f /proc/cpuinfo; then echo avx512
  elif grep -qw avx2 /proc/cpuinfo; then echo avx2
  else echo baseline; fi
}

# The whole suite with the GPU as the device: layers, losses, optimizers, fit, goldens from Keras. Left out are tests of the
# source and build trees, of doctor's made-up machines, and of other devices: they are run where the build is.
suite() {
  local table status=0
  tests "$(printf %s '-*Slow*:Docs*:*SourceRules*:Symbols*:CauseTable*:DiagnosisTest*:*CauseTest*:*FallbackTest*:' \
    'GpuCheck*:GpuTargets*:CudaModule*:KeratinCommand*:*Loader*:Validation*:BenchmarkDevices*:AutoDevice*:*OpTable*:' \
    '*Isa*:ThreadPool*:*Death*:Cpu*:Simulated*:*/SimulatedTeam*:Branches*:*Allocat*')" ||
    status=1
  all_captured || status=1
  ((status == 0)) || return 1
  for table in LayerGoldens.LayersComputeWhatKerasDoes OpGoldens.FunctionsComputeWhatKerasDoes; do
    grep -qE "^\[ +OK \] Devices/$table/$device( |\$)" "$results/suite".*.log ||
      { echo "$table was not run on $device"; return 1; }
  done
}

# Two commands must leave the same bits in all weights.
same_weights() {
  printf '%s\n%s\n' "$1" "$2"
  [[ -n $1 && $(field weights_hash <<<"$1") == "$(field weights_hash <<<"$2")" ]]
}

# A graph that is replayed must give the bits of the eager steps.
graph_equals_eager() {
  local model eager steps=(--precision highest --deterministic --data random --steps 100 --warm-up-steps 5)
  # A step of the CNN takes the simulated GPU seconds.
  [[ $device == cuda ]] || steps=(--precision highest --deterministic --data random --steps 3 --warm-up-steps 2 --batch-size 8)
  export CUBLAS_WORKSPACE_CONFIG=:4096:2  # what cuDNN's recurrent layers need for equal bits
  for model in mlp cnn lstm; do
    eager=$(KERATIN_CUDA_GRAPH=0 benchmark --device "$device" --model "$model" "${steps[@]}")
    same_weights "$(benchmark --device "$device" --model "$model" "${steps[@]}")" "$eager" && continue
    same_weights "$(KERATIN_CUDA_GRAPH=chain benchmark --device "$device" --model "$model" "${steps[@]}")" "$eager" &&
      note "$model: a graph without branches gives the eager step's bits: it is the branches that are wrong"
    return 1
  done
  all_captured  # or it would have been eager twice
}

two_runs_equal() {
  local model steps=(--precision highest --deterministic --data random --steps 300 --warm-up-steps 5)
  [[ $device == cuda ]] || steps=(--precision highest --deterministic --data random --steps 3 --warm-up-steps 2 --batch-size 8)
  export CUBLAS_WORKSPACE_CONFIG=:4096:2
  for model in mlp cnn lstm; do
    same_weights "$(benchmark --device "$device" --model "$model" "${steps[@]}")" \
      "$(benchmark --device "$device" --model "$model" "${steps[@]}")" || return 1
  done
}

# example WORDS PROGRAM ARGUMENTS...: the program must end well and print these words.
example() {
  local words=$1 output
  shift
  echo "== $*"
  output=$("$bin/$1" "${@:2}" 2>&1) || { printf '%s\n' "$output"; return 1; }
  printf '%s\n' "$output"
  grep -qF "$words" <<<"$output" || { echo "'$words' was expected in the output of $*"; return 1; }
}

# The libraries' kernels are used, rather than what computes the same without them.
libraries_are_used() {
  local model log
  for model in mlp cnn lstm; do
    log=$results/placement_$model.log
    KERATIN_LOG_DEVICE_PLACEMENT=1 benchmark --device "$device" --model "$model" --data random --steps 2 \
      --warm-up-steps 2 >"$log" 2>&1 || { cat "$log"; return 1; }
  done
  grep -hE 'refuses|epilogue by itself' "$results"/placement_*.log
  grep -q 'cublasLt .*fused epilogue' "$results/placement_mlp.log" || note "cuBLASLt adds no bias: placement_mlp.log"
  grep -q 'cudnn engine' "$results/placement_cnn.log" || { note "cuDNN computes no convolution: placement_cnn.log"; return 1; }
  grep -q 'cuDNN LSTM' "$results/placement_lstm.log" || { note "cuDNN computes no LSTM: placement_lstm.log"; return 1; }
}

examples() {
  local status=0
  libraries_are_used || status=1
  example "computed on $device:0" gpu_matmul "$device" || return 1
  if [[ $device == cuda ]]; then  # these look for a real one
    example "computed on cuda:0" gpu_list || return 1
    example "computed on cuda:0" gpu_missing_library || return 1
    example Speedup: gpu_speedup || return 1
  fi
  example "step 60" digits_gan --steps 60 --device "$device" || return 1
  [[ $device == cuda ]] || return "$status"  # an epoch takes the simulated GPU minutes
  example "$device:0" mnist_lstm --epochs 1 --device "$device" --data "$mnist" || return 1
  return "$status"
}

# Three seeds on each device: the medians may differ by 0.3 points.
accuracy() {
  local program on seed line
  [[ $mnist != digits ]] ||
    note "on the bundled digits, which are easier than MNIST: set KERATIN_MNIST to prove it on MNIST itself"
  : >"$results/accuracy.txt"
  for program in mnist_mlp mnist_cnn; do
    for on in cpu "$device"; do
      for seed in 1 2 3; do
        "$bin/$program" --device "$on" --data "$mnist" --epochs 2 --seed "$seed" --threads "$(nproc)" \
          --report "$results/$program.json" || return 1
        line=$(tr -d '\n' <"$results/$program.json" | sed -E 's/.*"test_accuracy": ?([0-9.]+).*/\1/')
        printf '%s %s %s %s\n' "$program" "$on" "$seed" "$line" >>"$results/accuracy.txt"
      done
    done
  done
  cat "$results/accuracy.txt"
  compare_accuracy "$device" "$results/accuracy.txt"
}

# compare_accuracy DEVICE FILE: lines of program, device, seed and accuracy (a share).
compare_accuracy() {
  awk -v device="$1" '
       {a[$1, $2, ++n[$1, $2]] = $4; p[$1]}
       function middle(k, d,   x, y, z) {
         x = a[k, d, 1]; y = a[k, d, 2]; z = a[k, d, 3]
         return x + y + z - (x > y ? (x > z ? x : z) : (y > z ? y : z)) - (x < y ? (x < z ? x : z) : (y < z ? y : z))
       }
       END {for (k in p) {
         if (n[k, "cpu"] != 3 || n[k, device] != 3) {print k ": not three runs on each device"; bad = 1; continue}
         d = 100 * (middle(k, device) - middle(k, "cpu"))
         printf "%s: %s - cpu = %.2f points\n", k, device, d
         if (d > 0.3 || d < -0.3) bad = 1
       } exit bad}' "$2"
}

sanitizer() {
  local program failed=0 table=OpTable.ValuesAreTheReferences slopes=OpTable.GradientsAreTheReferences
  program=$(command -v compute-sanitizer || ls /usr/local/cuda*/bin/compute-sanitizer 2>/dev/null | head -n 1)
  if [[ -z $program ]]; then
    note "compute-sanitizer is NOT installed: nothing has looked for memory errors and races in the kernels"
    note "(it comes with the CUDA toolkit; pip has none)"
    return 77
  fi
  export KERATIN_DEVICE=$device KERATIN_FLOAT32_PRECISION=highest KERATIN_CPU_ISA
  KERATIN_CPU_ISA=$(cpu_isa)
  # check SECONDS TOOL COMMAND...: each has its own time, so that a slow one does not keep the others from their turn.
  # Calls that fail inside NVIDIA's libraries, which try and go on, are no findings; Keratin checks its own.
  check() {
    local seconds=$1 tool=$2 status=0
    shift 2
    echo "== $tool: $*"
    timeout --kill-after=5 "$seconds" "$program" --tool "$tool" --report-api-errors no --error-exitcode 9 "$@" || status=$?
    ((status == 0)) || { failed=1; note "$tool of ${1##*/} ${*: -1}: $([[ $status == 124 ]] && echo 'out of time' || echo "status $status")"; }
  }
  local step=("$bin/keratin_training_benchmark" --device "$device" --precision highest --data random --warm-up-seconds 0
    --batch-size 32 --warm-up-steps 3 --steps 3)  # the second run is captured, the third one replayed
  local part=$(((stage_seconds - 5) / 10))
  check $((part * 2)) memcheck "${step[@]}" --model cnn
  check $part memcheck "${step[@]}" --model lstm
  # Those were replays. Every row of the op table as a graph, too, would take more time than there is.
  export KERATIN_CUDA_GRAPH=0
  check $part memcheck "$bin/keratin_tests" --gtest_filter="*$table/conv:*$slopes/conv"
  check $part memcheck "$bin/keratin_tests" --gtest_filter="*$table/matmul:*$slopes/matmul"
  check $part memcheck "$bin/keratin_tests" --gtest_filter="*$table/*:*$slopes/*-*/conv:*/matmul"
  # Races and reads of what nobody wrote in the libraries are theirs to know: rows of our own kernels only.
  check $((part * 2)) racecheck "$bin/keratin_tests" --gtest_filter="*$table/*:*$slopes/*-*/conv:*/matmul:*/recurrent"
  check $part synccheck "$bin/keratin_tests" --gtest_filter="*$table/softmax:*$table/reduce:*$table/shaping"
  check $part initcheck "$bin/keratin_tests" --gtest_filter="*$table/unary:*$table/softmax"
  return "$failed"
}

# speed.jsonl holds what is compared with peers; what is there for its own sake has files of its own.
speed() {
  local model batch steps=(--data random --steps 500 --warm-up-steps 50)
  : >"$results/speed.jsonl" && : >"$results/speed_eager.jsonl" && : >"$results/speed_lstm.jsonl"
  for model in mlp cnn; do
    for batch in 128 32 1024; do
      benchmark --device "$device" --model "$model" --precision high --batch-size "$batch" "${steps[@]}" |
        tee -a "$results/speed.jsonl" || return 1
    done
    benchmark --device "$device" --model "$model" --precision highest "${steps[@]}" | tee -a "$results/speed.jsonl" ||
      return 1
    KERATIN_CUDA_GRAPH=0 benchmark --device "$device" --model "$model" --precision high "${steps[@]}" |
      tee -a "$results/speed_eager.jsonl" || return 1
    benchmark --device cpu --threads "$(nproc)" --model "$model" --data random --steps 100 --warm-up-steps 10 |
      tee -a "$results/speed.jsonl" || return 1
  done
  # The LSTM by cuDNN and as a loop; 100 steps of a loop are some thousand launches.
  benchmark --device "$device" --model lstm --precision high --steps 200 --warm-up-steps 20 |
    tee -a "$results/speed_lstm.jsonl" || return 1
  KERATIN_CUDA_RNN=0 benchmark --device "$device" --model lstm --precision high --steps 50 --warm-up-steps 5 |
    tee -a "$results/speed_lstm.jsonl"
}

peers() {
  local python=${PYTHON:-python3} library ran=0 status=0
  : >"$results/peers.jsonl"
  # Python and its libraries bring their own: ours in LD_LIBRARY_PATH could be older than they need.
  export LD_LIBRARY_PATH=$outer_library_path
  for library in pytorch jax; do
    "$python" -c "import ${library/pytorch/torch}" || { note "$library is not installed for $python: not compared"; continue; }
    ran=1
    # One way that fails is a line in peers.jsonl and an error in the end; the times of the others count all the same.
    XLA_PYTHON_CLIENT_PREALLOCATE=false "$python" "$here/gpu_peers.py" "$library" | tee -a "$results/peers.jsonl" ||
      { status=1; note "$library ended with an error: see peers.log; what it measured is in peers.jsonl"; }
  done
  ((ran)) || return 77
  return "$status"
}

# The targets, for an H200: see gpu_targets.py.
targets() {
  local python=${PYTHON:-python3}
  command -v "$python" >/dev/null || { note "$python is not there: compare speed.jsonl and peers.jsonl by hand"; return 77; }
  [[ -s $results/speed.jsonl ]] || { note "there is no speed.jsonl: stage speed makes it"; return 77; }
  LD_LIBRARY_PATH=$outer_library_path "$python" "$here/gpu_targets.py" "$results" >"$results/speed.md"
  local status=$?
  tee -a "$results/targets.note" <"$results/speed.md"
  return "$status"
}

run() {
  [[ -d $here/bin ]] || die "'run' is for a packed folder: scripts/gpu_check.sh all RESULTS packs and runs"
  results=$1
  shift
  wanted="$*"
  mkdir -p "$results" && results=$(cd "$results" && pwd) || exit 2
  bin=$here/bin outer_library_path=${LD_LIBRARY_PATH-}
  mnist=${KERATIN_MNIST:-$([[ -d $here/mnist ]] && echo "$here/mnist" || echo digits)}
  export bin results device mnist outer_library_path
  export LD_LIBRARY_PATH=$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} KERATIN_BACKEND_PATH=$here/lib/keratin
  export KERATIN_TEST_MODULES=$here/modules KERATIN_TEST_SOURCE=$here/source
  [[ $device == cuda ]] || KERATIN_BACKEND_PATH=$here/modules:$KERATIN_BACKEND_PATH
  nvidia-smi >"$results/nvidia-smi.txt" 2>&1 || true
  local name seconds function
  for name in $wanted; do
    [[ $'\n'$stages == *$'\n'"$name "* ]] || die "there is no stage '$name'"
  done
  while read -r name seconds function; do
    stage "$name" "$seconds" bash "$here/gpu_check.sh" stage "$function"
  done <<<"$stages"
  { date -u +%FT%TZ; printf '%s\n' "${verdicts[@]}"; } | tee "$results/summary.txt"
  exit $((failures > 0))
}

# Name, seconds at most and function; 590 s in all.
stages='doctor 50 doctor
device 10 device_description
optable 60 op_table
suite 70 suite
graph 30 graph_equals_eager
deterministic 30 two_runs_equal
examples 40 examples
accuracy 60 accuracy
speed 60 speed
peers 85 peers
targets 5 targets
sanitizer 90 sanitizer'

case ${1:-} in
  stage) "$2" "${@:3}" ;;  # from above: timeout runs programs, not functions
  pack) [[ -n ${2:-} ]] || die "usage: gpu_check.sh pack FOLDER"; pack "$2" ;;
  run) [[ -n ${2:-} ]] || die "usage: gpu_check.sh run RESULTS [STAGE...]"; shift; run "$@" ;;
  all)
    [[ -n ${2:-} ]] || die "usage: gpu_check.sh all RESULTS [STAGE...]"
    mkdir -p "$2" || exit 2
    pack "$(cd "$2" && pwd)/packed"
    bash "$2/packed/gpu_check.sh" run "${@:2}"
    ;;
  *) sed -n '2,15p' "${BASH_SOURCE[0]}" | sed 's/^# \{0,1\}//'; exit 2 ;;
esac
