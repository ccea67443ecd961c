#!/usr/bin/env python3
"""Writes tests/goldens/training.json.gz: what Keras computes for every loss, metric, optimizer and schedule.

    make_training_goldens.py [OUTPUT]        (needs: pip install keras jax)

An object is kept as Keras serialises it, so that the test makes it from its configuration as a file's reader does.
"""

import gzip
import json
import os
import pathlib
import sys

os.environ["KERAS_BACKEND"] = "jax"
import jax  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import losses, metrics, optimizers  # noqa: E402

S = optimizers.schedules
rng = np.random.default_rng(7)


def tensor(a):
    a = np.asarray(a)
    kind = "int32" if a.dtype.kind in "iu" else "float32"
    values = a.ravel().tolist() if kind == "int32" else [float(f"{v:.8g}") for v in a.ravel()]
    return {"dtype": kind, "shape": list(a.shape), "values": values}


def numbers(*shape, low=-1.0, high=1.0):
    return np.round(rng.uniform(low, high, shape), 3).astype("float32")


def probabilities(*shape):
    p = rng.uniform(0.1, 1, shape)
    return np.round(p / p.sum(-1, keepdims=True), 3).astype("float32")


def labels(classes, *shape):
    return rng.integers(0, classes, shape).astype("int32")


def one_hot(classes, *shape):
    return np.eye(classes, dtype="float32")[labels(classes, *shape)]


def serialized(object):
    config = keras.saving.serialize_keras_object(object)
    config["config"].pop("fn", None)
    return config


def loss_cases():
    cases = []

    def add(loss, y, p, weight=None):
        def value(q):
            return loss(y, q, sample_weight=weight)

        result = np.asarray(value(p))
        gradient = jax.grad(lambda q: value(q).sum())(jax.numpy.asarray(p))
        case = {"object": serialized(loss), "y": tensor(y), "p": tensor(p), "value": tensor(result), "gradient": tensor(gradient)}
        if weight is not None:
            case["weight"] = tensor(weight)
        # What Keras leaves out of its configurations.
        for key in ("delta", "axis"):
            left_out = getattr(loss, "_fn_kwargs", {}).get(key)
            if left_out is not None and key not in case["object"]["config"]:
                case["object"]["config"][key] = left_out
        cases.append(case)

    plain = [losses.MeanSquaredError, losses.MeanAbsoluteError, losses.MeanAbsolutePercentageError, losses.LogCosh, losses.Huber,
             losses.CosineSimilarity]  # fmt: skip
    for make in plain:
        add(make(), numbers(4, 3), numbers(4, 3))
        add(make(), numbers(4, 2, 3), numbers(4, 2, 3), numbers(4, 2, low=0, high=2))
    add(losses.Huber(delta=0.3), numbers(4, 3), numbers(4, 3))
    add(losses.CosineSimilarity(axis=1), numbers(4, 3, 2), numbers(4, 3, 2))
    for reduction in ("sum", "mean", "mean_with_sample_weight", "none", "sum_over_batch_size"):
        add(losses.MeanSquaredError(reduction=reduction, name="mine"), numbers(4, 3), numbers(4, 3))
        add(losses.MeanSquaredError(reduction=reduction), numbers(4, 3), numbers(4, 3), numbers(4, low=0, high=2))
    positive = [losses.MeanSquaredLogarithmicError, losses.Poisson, losses.KLDivergence]
    for make in positive:
        add(make(), probabilities(4, 3), probabilities(4, 3))
        add(make(reduction="sum"), probabilities(4, 2, 3), probabilities(4, 2, 3), numbers(4, 2, low=0, high=2))
    for make in (losses.Hinge, losses.SquaredHinge, losses.CategoricalHinge):
        add(make(), one_hot(3, 4), numbers(4, 3))
        add(make(), 2 * one_hot(3, 4) - 1, numbers(4, 3), numbers(4, low=0, high=2))
    bits = (numbers(4, 3) > 0).astype("float32")
    for options in ({}, {"from_logits": True}, {"label_smoothing": 0.2}, {"axis": 0}):
        p = numbers(4, 3) if options.get("from_logits") else numbers(4, 3, low=0.05, high=0.95)
        add(losses.BinaryCrossentropy(**options), bits, p)
        add(losses.BinaryFocalCrossentropy(**options), bits, p)
    add(losses.BinaryFocalCrossentropy(apply_class_balancing=True, alpha=0.4, gamma=3.0), bits, numbers(4, 3, low=0.05, high=0.95))
    for options in ({}, {"from_logits": True}, {"label_smoothing": 0.2}, {"axis": 1}):
        p = numbers(4, 3, 3) if options.get("from_logits") else probabilities(4, 3, 3)
        add(losses.CategoricalCrossentropy(**options), one_hot(3, 4, 3), p)
        add(losses.CategoricalFocalCrossentropy(**options), one_hot(3, 4, 3), p)
    add(losses.CategoricalFocalCrossentropy(alpha=0.5, gamma=3.0), one_hot(3, 4), probabilities(4, 3), numbers(4, low=0, high=2))
    for options in ({}, {"from_logits": True}, {"ignore_class": 1}, {"ignore_class": 2, "from_logits": True, "reduction": "sum"}):
        p = numbers(6, 3) if options.get("from_logits") else probabilities(6, 3)
        add(losses.SparseCategoricalCrossentropy(**options), np.array([0, 1, 2, 2, 1, 0], "int32"), p)
        add(losses.SparseCategoricalCrossentropy(**options), np.array([0, 1, 2, 2, 1, 0], "int32"), p, numbers(6, low=0, high=2))
    for make in (losses.Dice, losses.Tversky):
        add(make(), bits, numbers(4, 3, low=0, high=1))
        add(make(axis=(1, 2)), np.stack([bits] * 2), numbers(2, 4, 3, low=0, high=1), numbers(2, low=0, high=2))
    add(losses.Tversky(alpha=0.3, beta=0.6), bits, numbers(4, 3, low=0, high=1))
    global rng
    before, rng = rng, np.random.default_rng(8)  # so that these change no other's numbers
    for options in ({}, {"q": 0.7, "reduction": "sum"}):
        add(losses.CategoricalGeneralizedCrossEntropy(**options), labels(3, 6), probabilities(6, 3))
        add(losses.CategoricalGeneralizedCrossEntropy(**options), labels(3, 6), probabilities(6, 3), numbers(6, low=0, high=2))
    for options in ({}, {"gamma": 8.0, "margin": 0.25}, {"gamma": 4.0, "remove_diagonal": False, "reduction": "sum"}):
        p = numbers(6, 4)
        p = p / np.linalg.norm(p, axis=1, keepdims=True)
        add(losses.Circle(**options), np.array([0, 1, 0, 7, 1, 0], "int32"), p)  # one is alone: 0, and not counted
        add(losses.Circle(**options), np.array([0, 1, 0, 1, 1, 0], "int32"), p, numbers(6, low=0, high=2))
    for options in ({}, {"reduction": "none"}):
        y = np.array([[1, 2, 0], [2, 2, 1], [3, 0, 0], [1, 1, 1], [0, 0, 0]], "int32")
        add(losses.CTC(**options), y, numbers(5, 6, 4, low=-2, high=2))
        add(losses.CTC(**options), y, numbers(5, 8, 4, low=-2, high=2), numbers(5, low=0, high=2))
    rng = before
    return cases


def metric_cases():
    cases = []

    def add(metric, *batches):
        updates = []
        for batch in batches:
            metric.update_state(*batch)
            updates.append([tensor(a) for a in batch])
        result = np.asarray(metric.result())
        case = {"object": serialized(metric), "updates": updates, "result": tensor(result.astype("float32"))}
        axis = getattr(metric, "_fn_kwargs", {}).get("axis", -1)
        if axis != -1:
            case["object"]["config"]["axis"] = axis
        cases.append(case)

    def pairs(target, prediction, weighted=True):
        batches = [(target(5), prediction(5)), (target(5), prediction(5))]
        return [batches, [(*b, numbers(5, low=0, high=2)) for b in batches]] if weighted else [batches]

    def both(make, target, prediction, weighted=True):
        for batches in pairs(target, prediction, weighted):
            add(make(), *batches)

    values = lambda n: numbers(n, 3)  # noqa: E731
    bits = lambda n: (numbers(n, 3) > 0).astype("float32")  # noqa: E731
    scores = lambda n: numbers(n, 3, low=0, high=1)  # noqa: E731
    hot = lambda n: one_hot(3, n)  # noqa: E731
    soft = lambda n: probabilities(n, 3)  # noqa: E731
    for make in (metrics.MeanSquaredError, metrics.RootMeanSquaredError, metrics.MeanAbsoluteError, metrics.MeanAbsolutePercentageError,
                 metrics.LogCoshError, metrics.CosineSimilarity, metrics.PearsonCorrelation, metrics.ConcordanceCorrelation, metrics.R2Score):  # fmt: skip
        both(make, values, values)
    for make in (metrics.MeanSquaredLogarithmicError, metrics.KLDivergence, metrics.Poisson):
        both(make, soft, soft)
    both(metrics.R2Score, values, values)
    for options in ({"class_aggregation": None}, {"class_aggregation": "variance_weighted_average"}, {"num_regressors": 2}):
        both(lambda: metrics.R2Score(**options), values, values)  # noqa: B023
    for make in (metrics.Hinge, metrics.SquaredHinge, metrics.CategoricalHinge):
        both(make, hot, values)
    add(metrics.Mean(), (values(5),), (values(5), numbers(5, low=0, high=2)))
    add(metrics.Sum(), (values(5),), (values(5), numbers(5, low=0, high=2)))
    both(metrics.Accuracy, lambda n: labels(3, n), lambda n: labels(3, n))
    both(lambda: metrics.BinaryAccuracy(threshold=0.4), bits, scores)
    both(metrics.CategoricalAccuracy, hot, soft)
    both(metrics.SparseCategoricalAccuracy, lambda n: labels(3, n), soft)
    both(lambda: metrics.TopKCategoricalAccuracy(2), hot, soft)
    both(lambda: metrics.SparseTopKCategoricalAccuracy(2), lambda n: labels(3, n), soft)
    both(lambda: metrics.SparseTopKCategoricalAccuracy(2, from_sorted_ids=True), lambda n: labels(5, n),
         lambda n: np.stack([rng.permutation(5) for _ in range(n)]).astype("int32"))  # fmt: skip
    both(lambda: metrics.BinaryCrossentropy(from_logits=True, label_smoothing=0.1), bits, values)
    both(lambda: metrics.CategoricalCrossentropy(label_smoothing=0.1), hot, soft)
    both(metrics.SparseCategoricalCrossentropy, lambda n: labels(3, n), soft)
    both(lambda: metrics.SparseCategoricalCrossentropy(ignore_class=1), lambda n: labels(3, n), soft)
    for make in (metrics.TruePositives, metrics.TrueNegatives, metrics.FalsePositives, metrics.FalseNegatives):
        both(make, bits, scores)
        both(lambda: make(thresholds=[0.2, 0.7]), bits, scores)  # noqa: B023
    for make in (metrics.Precision, metrics.Recall):
        for options in ({}, {"thresholds": 0.3}, {"thresholds": [0.0, 0.5, 1.0]}, {"top_k": 2}, {"class_id": 1}, {"top_k": 2, "class_id": 0}):
            both(lambda: make(**options), bits, scores)  # noqa: B023
    for make in (metrics.SensitivityAtSpecificity, metrics.SpecificityAtSensitivity, metrics.PrecisionAtRecall, metrics.RecallAtPrecision):
        both(lambda: make(0.6), bits, scores)  # noqa: B023
        both(lambda: make(0.4, num_thresholds=1, class_id=2), bits, scores)  # noqa: B023
    for options in ({}, {"curve": "PR"}, {"curve": "PRGAIN"}, {"summation_method": "majoring"}, {"curve": "PR", "summation_method": "minoring"},
                    {"thresholds": [0.3, 0.6]}, {"multi_label": True}, {"multi_label": True, "label_weights": [0.5, 1.0, 2.0], "curve": "PR"},
                    {"label_weights": [0.5, 1.0, 2.0]}):  # fmt: skip
        both(lambda: metrics.AUC(**options), bits, scores)  # noqa: B023
    both(lambda: metrics.AUC(from_logits=True), bits, values)
    for options in ({}, {"average": "micro"}, {"average": "macro"}, {"average": "weighted", "threshold": 0.4}):
        both(lambda: metrics.F1Score(**options), hot, soft)  # noqa: B023
        both(lambda: metrics.FBetaScore(beta=2.0, **options), hot, soft)  # noqa: B023
    ids = lambda n: labels(3, n)  # noqa: E731
    for options in ({}, {"ignore_class": 0}, {"dtype": "float32"}):
        both(lambda: metrics.MeanIoU(3, **options), ids, ids, weighted=options.get("dtype") == "float32")  # noqa: B023
        both(lambda: metrics.IoU(3, [0, 2], **options), ids, ids, weighted=options.get("dtype") == "float32")  # noqa: B023
    both(lambda: metrics.OneHotIoU(3, [1]), hot, soft, weighted=False)
    both(lambda: metrics.OneHotMeanIoU(3), hot, soft, weighted=False)
    both(lambda: metrics.BinaryIoU(threshold=0.3), bits, scores, weighted=False)
    return cases


STEPS = 10


def optimizer_cases():
    gradients = [(numbers(2, 3), numbers(3)) for _ in range(STEPS)]
    start = numbers(2, 3), numbers(3)
    cases = []

    def add(optimizer):
        variables = [keras.Variable(start[0], name="kernel"), keras.Variable(start[1], name="bias")]
        optimizer.build(variables)
        for step in gradients:
            optimizer.apply([keras.ops.convert_to_tensor(g) for g in step], variables)
        cases.append({
            "object": serialized(optimizer),
            "variables": [tensor(v) for v in variables],
            "state": [tensor(v) for v in optimizer.variables],
        })  # fmt: skip

    o = optimizers
    for make in (o.SGD, o.RMSprop, o.Adam, o.AdamW, o.Nadam, o.Adamax, o.Adagrad, o.Adadelta, o.Adafactor, o.Ftrl, o.Lion, o.Lamb):
        add(make(0.05))
        add(make(0.05, use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=3, weight_decay=0.1, clipnorm=0.5))
        add(make(0.05, gradient_accumulation_steps=3, loss_scale_factor=4.0, global_clipnorm=0.6))
    add(o.SGD(0.05, momentum=0.9))
    add(o.SGD(0.05, momentum=0.9, nesterov=True, clipvalue=0.3))
    add(o.RMSprop(0.05, momentum=0.5))
    add(o.RMSprop(0.05, momentum=0.5, centered=True))
    add(o.RMSprop(0.05, rho=0.8, centered=True, weight_decay=0.1))
    add(o.Adam(0.05, amsgrad=True))
    add(o.AdamW(0.05, amsgrad=True, gradient_accumulation_steps=2, use_ema=True))
    add(o.Ftrl(0.05, learning_rate_power=-0.7, l1_regularization_strength=0.01, l2_regularization_strength=0.02,
               l2_shrinkage_regularization_strength=0.03, beta=0.1))  # fmt: skip
    add(o.Adam(S.ExponentialDecay(0.05, 3, 0.5, staircase=True), gradient_accumulation_steps=2))
    add(o.Muon(0.05))
    add(o.Muon(0.05, use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=3, weight_decay=0.1, adam_weight_decay=0.2, clipnorm=0.5))
    add(o.Muon(0.05, gradient_accumulation_steps=3, loss_scale_factor=4.0, global_clipnorm=0.6))
    add(o.Muon(0.05, nesterov=False, rms_rate=None, ns_steps=3, momentum=0.8, adam_lr_ratio=0.1, weight_decay=None))
    add(o.Muon(0.05, exclude_layers=["^ker"]))
    return {"start": [tensor(a) for a in start], "gradients": [[tensor(a) for a in step] for step in gradients], "cases": cases}


def schedule_cases():
    steps = [0, 1, 3, 5, 7, 10, 12, 15, 20, 31, 50, 100]
    made = [
        S.ExponentialDecay(0.1, 10, 0.9), S.ExponentialDecay(0.1, 5, 0.5, staircase=True),
        S.InverseTimeDecay(0.1, 10, 0.9), S.InverseTimeDecay(0.1, 5, 2.0, staircase=True),
        S.PiecewiseConstantDecay([3, 10], [0.5, 0.25, 0.125]),
        S.PolynomialDecay(0.1, 20), S.PolynomialDecay(0.1, 8, end_learning_rate=0.01, power=2.0, cycle=True),
        S.CosineDecay(0.1, 20), S.CosineDecay(0.01, 20, alpha=0.1, warmup_target=0.2, warmup_steps=5),
        S.CosineDecayRestarts(0.1, 7), S.CosineDecayRestarts(0.1, 7, t_mul=1.0, m_mul=0.5, alpha=0.1), S.CosineDecayRestarts(0.1, 6, t_mul=1.5),
    ]  # fmt: skip
    return {"steps": steps, "cases": [{"object": serialized(s), "values": [float(np.asarray(s(n))) for n in steps]} for s in made]}


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    output = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root / "tests/goldens/training.json.gz"
    parts = {"losses": loss_cases(), "metrics": metric_cases(), "optimizers": optimizer_cases(), "schedules": schedule_cases()}

    def compact(x):
        return json.dumps(x, separators=(",", ":"))

    lines = ['{"keras":"%s",' % keras.__version__]
    for key in ("losses", "metrics"):
        lines.append('"%s":[\n%s\n],' % (key, ",\n".join(compact(c) for c in parts[key])))
    for key in ("optimizers", "schedules"):
        rest = {k: v for k, v in parts[key].items() if k != "cases"}
        lines.append('"%s":%s,"cases":[\n%s\n]}%s' % (key, compact(rest)[:-1], ",\n".join(compact(c) for c in parts[key]["cases"]),
                                                       "," if key == "optimizers" else ""))  # fmt: skip
    output.write_bytes(gzip.compress(("\n".join(lines) + "}\n").encode(), mtime=0))
    print(output, output.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
