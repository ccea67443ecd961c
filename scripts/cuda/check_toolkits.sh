#!/usr/bin/env bash
# Compiles the CUDA backend with the toolkits that pip brings, besides the one that is installed:
#   the newest 13     the whole module, by its own nvcc, found as it is for users with an active virtual environment
#   the oldest, 12.4  whose wheels have no nvcc and no static runtime: device code by clang++ with 12.4's headers and ptxas,
#                     host code by g++ with 12.4's headers, the constants of cuBLASLt and cuDNN included; linked to 12.4's
#                     shared runtime and opened
# Needs python3 with venv, a package index, clang++ 14 or newer, and some 2 GB below build/.
#   scripts/cuda/check_toolkits.sh [13|12]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
which=${1:-all}
folder=$PWD/build/cuda-toolkits
mkdir -p "$folder"

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }

venv() {
  [[ -x $folder/venv/bin/python ]] || python3 -m venv "$folder/venv"
  "$folder/venv/bin/pip" install --quiet --disable-pip-version-check "$@"
}

newest_13() {
  venv 'nvidia-cuda-nvcc>=13,<14' 'nvidia-nvvm>=13,<14' 'nvidia-cuda-crt>=13,<14' 'nvidia-cuda-runtime>=13,<14' \
    nvidia-cuda-cccl
  local cmake=(env -u CUDA_HOME -u CUDA_PATH -u CUDACXX VIRTUAL_ENV="$folder/venv" cmake)
  rm -rf "$folder/13"
  "${cmake[@]}" -B "$folder/13" -DCMAKE_BUILD_TYPE=Release -DKERATIN_CUDA=ON -DKERATIN_BUILD_TESTS=OFF \
    -DKERATIN_BUILD_EXAMPLES=OFF -DKERATIN_BUILD_TOOLS=OFF >"$folder/13.log" || { cat "$folder/13.log"; exit 1; }
  local found
  found=$(grep -- '-- CUDA backend:' "$folder/13.log")
  [[ $found == *"$folder/venv"* ]] || { echo "not pip's toolkit: $found"; exit 1; }
  say "${found#-- }"
  "${cmake[@]}" --build "$folder/13" --parallel "$(nproc)" --target keratin_cuda13
  if ldd "$folder/13/keratin/libkeratin_cuda13.so" | grep -E 'cuda[rt]*\.so|cublas|cudnn'; then
    echo 'the module must link no CUDA library'
    exit 1
  fi
}

oldest_12() {
  local root=$folder/12.4 wheels=$folder/12.4-wheels
  if [[ ! -d $root ]]; then
    say "Fetching CUDA 12.4's wheels"
    venv 'nvidia-cuda-nvcc>=13,<14'  # for its fatbinary, which 12.4's wheels lack
    "$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --upgrade --target "$wheels" \
      nvidia-cuda-nvcc-cu12==12.4.131 nvidia-cuda-runtime-cu12==12.4.127 nvidia-cublas-cu12==12.4.5.8 \
      'nvidia-cudnn-cu12>=9,<10' nvidia-cuda-cccl-cu12
    # The layout of an installed toolkit, which clang++ asks for.
    mkdir -p "$root.part/include" "$root.part/lib64"
    cp -r "$wheels"/nvidia/cuda_nvcc/{bin,nvvm} "$root.part"
    for part in cuda_runtime cuda_nvcc cublas cudnn cuda_cccl; do
      cp -r "$wheels/nvidia/$part/include/." "$root.part/include"
    done
    cp "$wheels/nvidia/cuda_runtime/lib/libcudart.so.12" "$root.part/lib64"
    # Images as clang++ 14 names them, for the newer program.
    cat >"$root.part/bin/fatbinary" <<'WRAPPER'
#!/usr/bin/env bash
arguments=()
for a in "$@"; do
  a=${a/#--image=profile=sm_/--image3=kind=elf,sm=}
  arguments+=("${a/#--image=profile=compute_/--image3=kind=ptx,sm=}")
done
programs=("${BASH_SOURCE[0]%/*}"/../../venv/lib/python3*/site-packages/nvidia/cu13/bin/fatbinary)
exec "${programs[0]}" "${arguments[@]}"
WRAPPER
    chmod +x "$root.part/bin/ptxas" "$root.part/bin/fatbinary"
    rm -rf "$wheels"
    mv "$root.part" "$root"
  fi
  local build=$folder/library
  cmake -B "$build" -DCMAKE_BUILD_TYPE=Release -DKERATIN_CUDA=OFF -DKERATIN_BUILD_TESTS=OFF \
    -DKERATIN_BUILD_EXAMPLES=OFF -DKERATIN_BUILD_TOOLS=OFF >"$folder/12.log" || { cat "$folder/12.log"; exit 1; }
  cmake --build "$build" --parallel "$(nproc)" --target keratin
  local include=$build/include objects=$folder/12.4-objects file
  rm -rf "$objects" && mkdir "$objects"
  say "CUDA 12.4: device code"
  # clang++ 14 knows texture references, which CUDA 12 no longer has: its header for them is passed over.
  local clang=(clang++ -x cuda --cuda-path="$root" --cuda-gpu-arch=sm_80 -std=c++20 -O2 -fPIC -fvisibility=hidden
    -ffp-contract=off -D__CLANG_CUDA_TEXTURE_INTRINSICS_H__ -Wno-unknown-cuda-version -I "$include")
  for file in backends/cuda/device/*.cu backends/cuda/api/*.cu; do
    echo "$file"
    "${clang[@]}" -c -o "$objects/$(basename "$file").o" "$file"
  done
  say "CUDA 12.4: host code"
  for file in backends/cuda/*.cpp backends/cuda/api/*.cpp; do
    echo "$file"
    g++ -std=c++20 -O1 -fPIC -fvisibility=hidden -Wall -Wextra -Wconversion -Wno-restrict -Wno-maybe-uninitialized \
      -Werror -DKERATIN_VERSION='"check"' -DKERATIN_INTERFACE_HASH='"check"' -I "$include" -isystem "$root/include" \
      -c -o "$objects/$(basename "$file").o" "$file"
  done
  g++ -shared -o "$folder/libkeratin_cuda12.so" "$objects"/*.o -L "$build" -lkeratin "$root/lib64/libcudart.so.12" \
    -ldl -Wl,-z,defs -Wl,-rpath,"$root/lib64:$build"
  python3 -c 'import ctypes, os, sys; ctypes.CDLL(sys.argv[1], os.RTLD_NOW).keratin_backend_module' \
    "$folder/libkeratin_cuda12.so"
  say "CUDA 12.4: libkeratin_cuda12.so links and opens"
}

[[ $which == 12 ]] || newest_13
[[ $which == 13 ]] || oldest_12
say 'The CUDA backend compiles with these toolkits.'
