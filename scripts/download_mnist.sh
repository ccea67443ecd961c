#!/bin/sh
# Fetches MNIST or Fashion-MNIST (four gzipped IDX files), verifies their SHA-256 sums, and unpacks them beside: programs
# start a quarter of a second sooner with plain files.
#
#   scripts/download_mnist.sh [--fashion] [DIRECTORY]
#
# DIRECTORY defaults to data/mnist or data/fashion-mnist. Files that are there and right are kept. A file appears under
# its name only when it is complete and verified, so an interrupted run leaves nothing wrong behind: run it again.
# KERATIN_MIRRORS: base addresses to try instead of the built-in ones, separated by spaces (file:// works too).
set -eu

usage() { sed -n '2,9s/^# \{0,1\}//p' "$0"; }

fashion=no
directory=
for argument in "$@"; do
  case $argument in
    --fashion) fashion=yes ;;
    -h | --help) usage; exit 0 ;;
    -*) echo "download_mnist.sh: unknown option '$argument'" >&2; usage >&2; exit 2 ;;
    *)
      if [ -n "$directory" ]; then
        echo "download_mnist.sh: expected one directory, got '$directory' and '$argument'" >&2
        exit 2
      fi
      directory=$argument ;;
  esac
done

if [ $fashion = yes ]; then
  directory=${directory:-data/fashion-mnist}
  mirrors="https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion
    https://fashion-mnist.s3.eu-central-1.amazonaws.com
    http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
  # Sums of the packed files, as they are published.
  packed=yes
  sums="train-images-idx3-ubyte 3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84
train-labels-idx1-ubyte a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845
t10k-images-idx3-ubyte 346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073
t10k-labels-idx1-ubyte 67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"
else
  directory=${directory:-data/mnist}
  mirrors="https://storage.googleapis.com/cvdf-datasets/mnist
    https://ossci-datasets.s3.amazonaws.com/mnist
    http://yann.lecun.com/exdb/mnist"
  # Sums of the unpacked files: some mirrors packed the same content anew.
  packed=no
  sums="train-images-idx3-ubyte ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db
train-labels-idx1-ubyte 65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5
t10k-images-idx3-ubyte 0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7
t10k-labels-idx1-ubyte ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
fi
mirrors=${KERATIN_MIRRORS:-$mirrors}

if command -v curl > /dev/null; then
  fetch() { curl --fail --silent --show-error --location --connect-timeout 15 --retry 2 --output "$2" "$1"; }
elif command -v wget > /dev/null; then
  fetch() { wget --quiet --timeout=15 --tries=3 --output-document="$2" "$1"; }
else
  echo "download_mnist.sh: needs curl or wget; install one (Debian: apt-get install curl)." >&2
  exit 1
fi
if command -v sha256sum > /dev/null; then
  sha256() { sha256sum | cut -d ' ' -f 1; }
else
  sha256() { shasum -a 256 | cut -d ' ' -f 1; }
fi
sum_of() {
  if [ $packed = yes ]; then
    sha256 < "$1"
  elif gzip --test < "$1" 2> /dev/null; then
    gzip --decompress --stdout < "$1" | sha256
  else
    echo "that of a damaged gzip file"
  fi
}

mkdir -p "$directory"
temporary=$(mktemp "$directory/.download-XXXXXX")
trap 'rm -f "$temporary"' EXIT
trap 'exit 130' HUP INT TERM

# Whether the unpacked file beside $1 is missing or of an older one.
needs_unpacking() { [ ! -f "${1%.gz}" ] || [ "$1" -nt "${1%.gz}" ]; }
unpack() {
  gzip --decompress --stdout < "$1" > "$temporary"
  chmod 644 "$temporary"
  mv "$temporary" "${1%.gz}"
}

echo "$sums" | {
  while read -r name expected; do
    target=$directory/$name.gz
    if [ -f "$target" ] && [ "$(sum_of "$target")" = "$expected" ]; then
      echo "$target: already there"
      ! needs_unpacking "$target" || unpack "$target"
      continue
    fi
    done=no
    for mirror in $mirrors; do
      echo "$target: fetching from $mirror"
      fetch "$mirror/$name.gz" "$temporary" || continue
      found=$(sum_of "$temporary")
      if [ "$found" = "$expected" ]; then
        chmod 644 "$temporary"
        mv "$temporary" "$target"
        unpack "$target"
        done=yes
        break
      fi
      echo "$mirror/$name.gz: the SHA-256 is $found, expected $expected; not used" >&2
    done
    if [ $done = no ]; then
      echo "download_mnist.sh: no mirror delivered a right $name.gz. Check the network and run this again, or put the" \
        "four files into '$directory' by hand. The bundled digits (--data digits) need no files." >&2
      exit 1
    fi
  done
}
echo "The four files are in '$directory', packed and unpacked."
