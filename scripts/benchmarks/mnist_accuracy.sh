#!/usr/bin/env bash
# Test accuracy of the MNIST examples on real MNIST, seeds 1, 2 and 3, beside what Keras reached with the same settings
# (docs/benchmarks/keras_mnist.json, which scripts/benchmarks/keras_mnist.py wrote).
#
#   scripts/benchmarks/mnist_accuracy.sh DIR [BUILD]     DIR has the IDX files; BUILD is build/release
#
# Fails when a median is more than 0.2 points below Keras's.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
data=${1:?usage: scripts/benchmarks/mnist_accuracy.sh DIR [BUILD]}
build=${2:-build/release}
recorded=docs/benchmarks/keras_mnist.json
reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT

for run in mlp:5 cnn:3; do
  model=${run%:*} epochs=${run#*:}
  for seed in 1 2 3; do
    echo "$model, seed $seed" >&2
    "$build/examples/mnist_$model" --data "$data" --epochs "$epochs" --batch-size 128 --device cpu --seed "$seed" \
      --report "$reports/$model-$seed.json" >/dev/null
  done
done

python3 - "$reports" "$recorded" <<'PYTHON'
import json, os, statistics, sys

reports, recorded = sys.argv[1:]
keras = json.load(open(recorded)) if os.path.exists(recorded) else {"models": {}}
failed = False
for model in ("mlp", "cnn"):
    found = [json.load(open(f"{reports}/{model}-{seed}.json"))["test_accuracy"] for seed in (1, 2, 3)]
    median = statistics.median(found)
    line = f"{model}: Keratin {median:.4f} (" + ", ".join(f"{accuracy:.4f}" for accuracy in found) + ")"
    theirs = keras["models"].get(model)
    if theirs:
        behind = theirs["median_test_accuracy"] - median
        runs = ", ".join(f"{run['test_accuracy']:.4f}" for run in theirs["runs"])
        line += f"; Keras {keras['keras']} {theirs['median_test_accuracy']:.4f} ({runs})"
        if behind > 0.002:
            failed = True
            line += f": {100 * behind:.2f} points behind"
    else:
        line += "; nothing recorded for Keras"
    print(line)
sys.exit(failed)
PYTHON
