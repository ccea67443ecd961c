#!/usr/bin/env python3
"""Trains or predicts with one other library in one setting and prints one line of JSON, as keratin_training_benchmark does.

    peer.py --library torch --setting compile --model cnn --task train --batch-size 128 --threads 1

compare_peers.py calls it, in the environment that it made. Data are given in the form that a library is fastest with:
float images that are already divided by 255, all in memory, channels where the setting wants them. Training takes batches
in a new random order each epoch, with Adam and Keras's epsilon. Keras trains by `fit`, which is how people use it; an epoch
is timed from the second one on. Every prediction is of another batch than the last one and ends with an array that the
host can read. "Pinned" gives each thread of a library's pool a CPU of its own; those of PyTorch are OpenMP's, which
OMP_PROC_BIND pins.
"""
import argparse
import json
import os
import time

TRAINING = {
    "torch": ["eager", "eager, fused Adam", "channels_last, fused Adam", "compile, fused Adam"],
    "keras-tensorflow": ["fit", "fit, jit_compile", "fit, tf.data, 32 steps per execution"],
    "keras-jax": ["fit", "fit, 32 steps per execution", "fit, float images on the device"],
    "keras-torch": ["fit", "fit, channels_first", "fit, jit_compile", "fit, float images on the device"],
}
PREDICTION = {
    "torch": ["eager", "eager, channels_last", "compile", "compile, channels_last", "compile, frozen weights",
              "traced and optimized for inference"],
    "keras-tensorflow": ["predict_on_batch", "predict_on_batch, jit_compile", "predict, 32 steps per execution",
                         "tf.function of tensors", "tf.function of tensors, jit_compile"],
    "keras-jax": ["predict_on_batch", "predict, 32 steps per execution", "jax.jit of host arrays",
                  "jax.jit of device arrays"],
    "keras-torch": ["predict_on_batch", "predict_on_batch, channels_first", "predict_on_batch, jit_compile",
                    "inference_mode of tensors", "inference_mode of tensors, compile"],
}
MANY_AT_ONCE = "steps per execution"  # in the names of settings that yield the results of many batches together
PINNED = ", pinned"  # may end any setting of these libraries, on several threads
PINNABLE = ["keras-tensorflow", "keras-jax"]
CONVOLUTIONAL = ["cnn", "resnet20"]
SHAPES = {"mlp": (28, 28, 1), "cnn": (28, 28, 1), "wide": (28, 28, 1), "resnet20": (32, 32, 3), "lstm": (100, 32)}
IMAGES = 20000


def settings_of(library, model, task):
    """Without an order of channels where nothing is convolved: that would be the same setting under two names."""
    settings = (TRAINING if task == "train" else PREDICTION)[library]
    return [setting for setting in settings if model in CONVOLUTIONAL or "channels_" not in setting]


# ---- Time and threads ------------------------------------------------------------------------------------------------


def read_threads():
    """{thread: (seconds of CPU so far, the CPU it was on last)} of this process."""
    found = {}
    for thread in map(int, os.listdir("/proc/self/task")):
        try:
            with open(f"/proc/self/task/{thread}/stat", encoding="utf-8") as file:
                fields = file.read().rsplit(")", 1)[1].split()
        except OSError:
            continue  # it has ended
        found[thread] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), int(fields[36])
    return found


def pin_busy_threads(before, seconds, cpus):
    """Gives a CPU to each thread that was busy for a tenth of the `seconds` since `before`; returns how many these are.
    The main thread stays free, as Keratin's does, and its CPU is the last one that is given away."""
    now, main = read_threads(), os.getpid()
    used = {thread: now[thread][0] - before.get(thread, (0.0, 0))[0] for thread in now if thread != main}
    busy = sorted((thread for thread in used if used[thread] >= seconds / 10), key=used.get, reverse=True)
    cpus = sorted(cpus, key=lambda cpu: (cpu == now[main][1], cpu))
    for number, thread in enumerate(busy):
        os.sched_setaffinity(thread, {cpus[number % len(cpus)]})
    return len(busy)


class Watch:
    """The first step is not counted, nor are 20 more and half a second; then as many as `seconds` hold. If `pin_to` has
    CPUs, the threads that were busy in that half second, when compiling is over, are pinned before the counting."""

    def __init__(self, seconds, first_step, pin_to=()):
        self.first_step = first_step
        self.pin_to, self.pinned, self.threads = pin_to, 0, {}
        self.seconds, self.steps, self.counted, self.start, self.taken = seconds, 0, 0, None, 0.0
        self.counting = False

    def step(self, steps=1):
        now = time.perf_counter()
        self.steps += steps
        if self.first_step:
            return False
        if self.counting:
            self.counted += steps
            self.taken = now - self.start
            return self.taken < self.seconds
        if self.start is None:
            self.start, self.threads = now, read_threads() if self.pin_to else {}
        if self.steps >= 20 and now - self.start >= 0.5:
            if self.pin_to:
                self.pinned = pin_busy_threads(self.threads, now - self.start, self.pin_to)
                if self.pinned == 0:
                    raise RuntimeError("no thread but the main one was busy: there is nothing to pin")
            self.counting, self.start = True, time.perf_counter()
        return True


def random_images(shape):
    import numpy as np

    random = np.random.default_rng(1)
    return random.random((IMAGES, *shape), dtype=np.float32), random.integers(0, 10, IMAGES)


def batches_of(x, batch):
    return [x[i:i + batch] for i in range(0, min(len(x), 64 * batch) - batch + 1, batch)]


def predict_batches(watch, call, batches):
    """`call` predicts one batch and returns an array of the host."""
    more, i = True, 0
    while more:
        call(batches[i % len(batches)])
        more, i = watch.step(), i + 1


# ---- PyTorch ---------------------------------------------------------------------------------------------------------


def torch_model(name):
    import torch
    from torch import nn

    if name == "mlp":
        return nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    if name == "wide":
        layers = [nn.Flatten(), nn.Linear(784, 1024), nn.ReLU()]
        for _ in range(5):
            layers += [nn.Linear(1024, 1024), nn.ReLU()]
        return nn.Sequential(*layers, nn.Linear(1024, 10))
    if name == "cnn":
        return nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(),
                             nn.MaxPool2d(2), nn.Flatten(), nn.Linear(1600, 128), nn.ReLU(), nn.Linear(128, 10))

    if name == "lstm":
        class Recurrent(nn.Module):
            def __init__(self):
                super().__init__()
                self.lstm, self.dense = nn.LSTM(32, 128, batch_first=True), nn.Linear(128, 10)

            def forward(self, x):
                return self.dense(self.lstm(x)[0][:, -1])

        return Recurrent()

    class Block(nn.Module):
        def __init__(self, before, filters, stride):
            super().__init__()
            self.conv1 = nn.Conv2d(before, filters, 3, stride, 1, bias=False)
            self.norm1 = nn.BatchNorm2d(filters)
            self.conv2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
            self.norm2 = nn.BatchNorm2d(filters)
            self.shortcut = nn.Conv2d(before, filters, 1, stride, bias=False) if stride != 1 else nn.Identity()

        def forward(self, x):
            y = torch.relu(self.norm1(self.conv1(x)))
            return torch.relu(self.norm2(self.conv2(y)) + self.shortcut(x))

    layers, before = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()], 16
    for filters in (16, 32, 64):
        for block in range(3):
            layers.append(Block(before, filters, 2 if filters > 16 and block == 0 else 1))
            before = filters
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def predict_torch(options, watch, model, batches):
    import torch

    model = torch.nn.Sequential(model, torch.nn.Softmax(1)).eval()
    if "traced" in options.setting:
        with torch.no_grad():
            model = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(model, batches[0])))
    if "frozen weights" in options.setting:
        import torch._inductor.config

        torch._inductor.config.freezing = True
    call = torch.compile(model) if "compile" in options.setting else model
    with torch.inference_mode():
        predict_batches(watch, lambda x: call(x).numpy(), batches)


def run_torch(options, watch):
    import torch

    torch.manual_seed(1)
    torch.set_num_threads(options.threads)
    torch.set_num_interop_threads(1)
    x, y = random_images(SHAPES[options.model])
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    images = x.dim() == 4
    x = x.permute(0, 3, 1, 2) if images else x
    model = torch_model(options.model)
    if "channels_last" in options.setting and images:
        x, model = x.contiguous(memory_format=torch.channels_last), model.to(memory_format=torch.channels_last)
    else:
        x = x.contiguous()
    batch = options.batch_size
    if options.task == "predict":
        predict_torch(options, watch, model, batches_of(x, batch))
        return torch.__version__
    fused = {"fused": True} if "fused" in options.setting else {}
    optimizer = torch.optim.Adam(model.parameters(), eps=1e-7, **fused)

    def loss_of(x, y):
        return torch.nn.functional.cross_entropy(model(x), y)

    loss_function = torch.compile(loss_of) if "compile" in options.setting else loss_of
    model.train()
    more = True
    while more:
        order = torch.randperm(len(x))
        for i in range(0, len(x) - batch + 1, batch):
            index = order[i:i + batch]
            optimizer.zero_grad(set_to_none=True)
            loss_function(x[index], y[index]).backward()
            optimizer.step()
            more = watch.step()
            if not more:
                break
    return torch.__version__


# ---- Keras -----------------------------------------------------------------------------------------------------------


def keras_model(name):
    import keras
    from keras import layers

    shape = SHAPES[name]
    if keras.config.image_data_format() == "channels_first" and len(shape) == 3:
        shape = (shape[2], shape[0], shape[1])
    relu = {"activation": "relu"}
    head = layers.Dense(10, activation="softmax")
    if name == "mlp":
        return keras.Sequential([keras.Input(shape), layers.Flatten(), layers.Dense(128, **relu), head])
    if name == "wide":
        hidden = [layers.Dense(1024, **relu) for _ in range(6)]
        return keras.Sequential([keras.Input(shape), layers.Flatten(), *hidden, head])
    if name == "lstm":
        return keras.Sequential([keras.Input(shape), layers.LSTM(128), head])
    if name == "cnn":
        return keras.Sequential([keras.Input(shape), layers.Conv2D(32, 3, **relu), layers.MaxPooling2D(),
                                 layers.Conv2D(64, 3, **relu), layers.MaxPooling2D(), layers.Flatten(),
                                 layers.Dense(128, **relu), head])
    axis = 1 if keras.config.image_data_format() == "channels_first" else -1

    def convolution(x, filters, stride):
        x = layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)(x)
        return layers.BatchNormalization(axis=axis)(x)

    x = keras.Input(shape)
    y = layers.ReLU()(convolution(x, 16, 1))
    for filters in (16, 32, 64):
        for block in range(3):
            stride = 2 if filters > 16 and block == 0 else 1
            shortcut = y if stride == 1 else layers.Conv2D(filters, 1, strides=stride, use_bias=False)(y)
            y = convolution(layers.ReLU()(convolution(y, filters, stride)), filters, 1)
            y = layers.ReLU()(layers.Add()([y, shortcut]))
    return keras.Model(x, head(layers.GlobalAveragePooling2D()(y)))


def keras_call(options, model):
    """A function that predicts one batch, on the host or a tensor, and returns an array of the host."""
    setting, backend = options.setting, options.library.split("-")[1]
    if setting.startswith("predict_on_batch"):
        return model.predict_on_batch
    if backend == "tensorflow":
        import tensorflow as tf

        function = tf.function(lambda x: model(x, training=False), jit_compile="jit_compile" in setting)
        return lambda x: function(x).numpy()
    if backend == "jax":
        import jax
        import numpy as np

        weights = [[variable.value for variable in variables]
                   for variables in (model.trainable_variables, model.non_trainable_variables)]
        function = jax.jit(lambda weights, x: model.stateless_call(*weights, x, training=False)[0])
        return lambda x: np.asarray(function(weights, x))
    import torch

    function = torch.compile(model) if "compile" in setting else model
    return torch.inference_mode()(lambda x: function(x, training=False).numpy())


def predict_all(options, watch, model, x, steps):
    """By `predict`, of all images again and again."""
    import keras
    import numpy as np

    class Done(Exception):
        pass

    class Count(keras.callbacks.Callback):
        def on_predict_batch_end(self, batch, logs=None):
            np.asarray(logs["outputs"])  # of all the steps of an execution: it counts when the host has it
            if not watch.step(steps):
                raise Done  # the last image may be far

    try:
        while True:
            model.predict(x, batch_size=options.batch_size, verbose=0, callbacks=[Count()])
    except Done:
        pass


def run_keras(options, watch):
    backend = options.library.split("-")[1]
    os.environ["KERAS_BACKEND"] = backend
    threads = options.threads
    if backend == "tensorflow":
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        version = "TensorFlow " + tf.__version__
    elif backend == "jax":
        # XLA takes as many threads as the process may use CPUs.
        import jax

        version = "JAX " + jax.__version__
    else:
        import torch

        torch.set_num_threads(threads)
        version = "PyTorch " + torch.__version__
    import keras

    keras.utils.set_random_seed(1)
    if "channels_first" in options.setting:
        keras.config.set_image_data_format("channels_first")
    version = f"{keras.__version__}, {version}"
    x, y = random_images(SHAPES[options.model])
    if "channels_first" in options.setting and x.ndim == 4:
        x = x.transpose(0, 3, 1, 2).copy()
    batch = options.batch_size
    steps = 32 if "32 steps" in options.setting else 1
    # Whole executions only: the callback is not told how many steps the last one of an epoch had.
    rows = len(x) // (batch * steps) * batch * steps
    x, y = x[:rows], y[:rows]
    model = keras_model(options.model)
    jit = True if "jit_compile" in options.setting else "auto"
    model.compile(keras.optimizers.Adam(), "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=jit,
                  steps_per_execution=steps)
    if options.task == "predict":
        if MANY_AT_ONCE in options.setting:
            predict_all(options, watch, model, x, steps)
        else:
            batches = batches_of(x, batch)
            if "tensors" in options.setting or "device arrays" in options.setting:
                batches = [keras.ops.convert_to_tensor(piece) for piece in batches]
            predict_batches(watch, keras_call(options, model), batches)
        return version
    if "tf.data" in options.setting:
        import tensorflow as tf

        data = tf.data.Dataset.from_tensor_slices((x, y)).cache().shuffle(rows).batch(batch, drop_remainder=True)
        data = (data.prefetch(tf.data.AUTOTUNE),)
        arguments = {}
    else:
        data, arguments = (x, y), {"batch_size": batch}
        if "on the device" in options.setting:
            data = (keras.ops.convert_to_tensor(x), keras.ops.convert_to_tensor(y))

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            # With several steps per execution this is called once for all of them.
            if not watch.step(steps):
                self.model.stop_training = True
                self.model._keratin_done = True

    class Done(Exception):
        pass

    class Break(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if getattr(self.model, "_keratin_done", False):
                raise Done  # an epoch's end may be far

    try:
        model.fit(*data, epochs=1_000_000, verbose=0, callbacks=[Stop(), Break()], **arguments)
    except Done:
        pass
    return version


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", required=True, choices=list(TRAINING))
    parser.add_argument("--setting", required=True)
    parser.add_argument("--model", required=True, choices=list(SHAPES))
    parser.add_argument("--task", default="train", choices=["train", "predict"])
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--first-step", action="store_true", help="end after the first step, to measure the process")
    options = parser.parse_args()
    usable = settings_of(options.library, options.model, options.task)
    if options.setting.removesuffix(PINNED) not in usable:
        parser.error(f"--setting: one of {usable}")
    pin_to = os.sched_getaffinity(0) if options.setting.endswith(PINNED) else ()
    if pin_to and (options.library not in PINNABLE or options.threads < 2):
        parser.error(f"--setting: only {' and '.join(PINNABLE)} on several threads are pinned here")
    watch = Watch(options.seconds, options.first_step, pin_to)
    version = run_torch(options, watch) if options.library == "torch" else run_keras(options, watch)
    images = watch.counted * options.batch_size
    print(json.dumps({"library": options.library, "version": version, "setting": options.setting, "model": options.model,
                      "task": options.task, "batch_size": options.batch_size, "threads": options.threads,
                      "steps": watch.counted, "seconds": watch.taken, "pinned_threads": watch.pinned,
                      "images_per_second": images / watch.taken if watch.taken else 0.0}))


if __name__ == "__main__":
    main()
