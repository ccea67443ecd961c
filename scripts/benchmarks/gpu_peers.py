#!/usr/bin/env python3
"""Training steps of the two MNIST models by PyTorch and JAX on a GPU, one line of JSON for each way of running them.

    gpu_peers.py [--steps 500] [--warm-up 50] [--batch-size 128] pytorch|jax

The models, the batch and the optimizer are those of keratin_training_benchmark. Data lies on the device, PyTorch uses
its fused Adam and cudnn.benchmark, nothing is read back within the timed steps, and the device is synchronised before
and after them. TF32 is allowed for products and convolutions everywhere ("high"). A way that fails has a line that says
why, does not keep the others from their turn, and makes the exit status 1.
"""
import argparse
import json
import sys
import time

failed = []  # what report_failure() was told


def say(**fields):
    print(json.dumps(fields), flush=True)


def report(library, way, model, steps, seconds, batch):
    say(library=library, way=way, model=model, batch_size=batch, steps=steps,
        microseconds_per_step=seconds / steps * 1e6, precision="high")


def report_failure(library, way, model, error):
    say(library=library, way=way, model=model, error=str(error)[:300])
    failed.append(f"{model} by {library} {way}")


def run_torch(options):
    import torch
    from torch import nn
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    if not torch.cuda.is_available():
        sys.exit(f"PyTorch {torch.__version__} finds no GPU: its wheel must be one for CUDA")
    device = torch.device("cuda")
    say(library="pytorch", version=torch.__version__, device=torch.cuda.get_device_name())

    def mlp():
        return nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))

    def cnn():
        return nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(),
                             nn.MaxPool2d(2), nn.Flatten(), nn.Linear(1600, 128), nn.ReLU(), nn.Linear(128, 10))

    n = 60000 // options.batch_size * options.batch_size
    images = torch.randint(0, 256, (n, 1, 28, 28), dtype=torch.uint8, device=device)
    labels = torch.randint(0, 10, (n,), device=device)
    for name, make in (("mlp", mlp), ("cnn", cnn)):
        for way in ("eager", "compile reduce-overhead"):
            torch.manual_seed(1)
            model = make().to(device)
            if name == "cnn":
                model = model.to(memory_format=torch.channels_last)
            optimizer = torch.optim.Adam(model.parameters(), fused=True)

            def loss_of(x, y):
                return nn.functional.cross_entropy(model(x.float() / 255), y)

            loss_function = torch.compile(loss_of, mode="reduce-overhead") if way != "eager" else loss_of

            def step(i):
                at = i * options.batch_size % n
                optimizer.zero_grad(set_to_none=True)
                loss_function(images[at:at + options.batch_size], labels[at:at + options.batch_size]).backward()
                optimizer.step()

            try:
                for i in range(options.warm_up):
                    step(i)
                torch.cuda.synchronize()
                start = time.perf_counter()
                for i in range(options.steps):
                    step(i)
                torch.cuda.synchronize()
                report("pytorch", way, name, options.steps, time.perf_counter() - start, options.batch_size)
            except Exception as error:  # one way that does not work must not hide the others
                report_failure("pytorch", way, name, error)


def run_jax(options):
    import jax
    import jax.numpy as jnp
    jax.config.update("jax_default_matmul_precision", "tensorfloat32")
    if jax.default_backend() != "gpu":
        sys.exit(f"JAX {jax.__version__} finds no GPU: jax[cuda13] must be installed")
    say(library="jax", version=jax.__version__, device=str(jax.devices()[0]))
    n = 60000 // options.batch_size * options.batch_size
    key = jax.random.PRNGKey(1)
    images = jax.random.randint(key, (n, 28, 28, 1), 0, 256).astype(jnp.uint8)
    labels = jax.random.randint(key, (n,), 0, 10)

    def dense(key, fan_in, out):
        return {"w": jax.random.normal(key, (fan_in, out)) * 0.05, "b": jnp.zeros(out)}

    def conv(key, fan_in, out):
        return {"w": jax.random.normal(key, (3, 3, fan_in, out)) * 0.05, "b": jnp.zeros(out)}

    def convolve(x, p):
        y = jax.lax.conv_general_dilated(x, p["w"], (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        y = jax.nn.relu(y + p["b"])
        return jax.lax.reduce_window(y, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")

    def mlp(p, x):
        x = jax.nn.relu(x.reshape(x.shape[0], -1) @ p[0]["w"] + p[0]["b"])
        return x @ p[1]["w"] + p[1]["b"]

    def cnn(p, x):
        return mlp(p[2:], convolve(convolve(x, p[0]), p[1]))

    keys = jax.random.split(key, 4)
    models = {"mlp": (mlp, [dense(keys[0], 784, 128), dense(keys[1], 128, 10)]),
              "cnn": (cnn, [conv(keys[0], 1, 32), conv(keys[1], 32, 64), dense(keys[2], 1600, 128),
                            dense(keys[3], 128, 10)])}
    tree = jax.tree_util.tree_map
    for name, (forward, parameters) in models.items():
        def one_step(state, i):
            parameters, m, v, t = state
            at = i * options.batch_size % n
            x = jax.lax.dynamic_slice_in_dim(images, at, options.batch_size).astype(jnp.float32) / 255
            y = jax.lax.dynamic_slice_in_dim(labels, at, options.batch_size)

            def loss_of(p):
                return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(forward(p, x)), y[:, None], axis=1))

            loss, g = jax.value_and_grad(loss_of)(parameters)
            t = t + 1
            m = tree(lambda m, g: 0.9 * m + 0.1 * g, m, g)
            v = tree(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
            alpha = 1e-3 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
            parameters = tree(lambda p, m, v: p - alpha * m / (jnp.sqrt(v) + 1e-7), parameters, m, v)
            return (parameters, m, v, t), loss

        def fresh():
            return (tree(jnp.copy, parameters), tree(jnp.zeros_like, parameters), tree(jnp.zeros_like, parameters),
                    jnp.float32(0))

        def by_step():
            jitted = jax.jit(one_step, donate_argnums=0)
            state = fresh()
            for i in range(options.warm_up):
                state, _ = jitted(state, i)
            jax.block_until_ready(state)
            start = time.perf_counter()
            for i in range(options.steps):
                state, _ = jitted(state, i)
            jax.block_until_ready(state)
            return time.perf_counter() - start

        def by_scan():
            scanned = jax.jit(lambda state, steps: jax.lax.scan(one_step, state, steps), donate_argnums=0)
            state, _ = scanned(fresh(), jnp.arange(options.steps))  # compiled for this many steps
            jax.block_until_ready(state)
            start = time.perf_counter()
            state, _ = scanned(state, jnp.arange(options.steps))
            jax.block_until_ready(state)
            return time.perf_counter() - start

        for way, measure in (("jit", by_step), ("lax.scan", by_scan)):
            try:
                report("jax", way, name, options.steps, measure(), options.batch_size)
            except Exception as error:  # one way that does not work must not hide the others
                report_failure("jax", way, name, error)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--warm-up", type=int, default=50)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("library", choices=["pytorch", "jax"])
    options = parser.parse_args()
    run_torch(options) if options.library == "pytorch" else run_jax(options)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
