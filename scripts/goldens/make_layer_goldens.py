#!/usr/bin/env python3
"""Writes tests/goldens/layers.json.gz: what Keras computes for each layer and activation.

Run it when a layer is added:  pip install keras jax;  python3 scripts/goldens/make_layer_goldens.py [NAME...]
With beginnings of names it computes only those cases anew.
The numbers are computed in double precision and written with 9 digits. tests/layers/goldens_test.cpp makes the same
layers, by the names given here, and compares configuration, outputs, gradients and updated statistics.
"""

import gzip
import json
import os
import pathlib
import sys
import zlib

os.environ["KERAS_BACKEND"] = "jax"
import jax  # noqa: E402

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_platforms", "cpu")
import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import layers  # noqa: E402
from keras.src.applications import convnext, inception_resnet_v2  # noqa: E402

# Keys that only some versions of Keras 3 know: older ones refuse them, so Keratin does not write them.
NEW_KEYS = {
    "InputLayer": {"ragged", "optional"},
    "Dense": {"quantization_config"},
    "Embedding": {"quantization_config"},
    "BatchNormalization": {"renorm", "renorm_clipping", "renorm_momentum"},
    "LayerNormalization": {"rms_scaling"},
    "ZeroPadding1D": {"data_format"},
    "EinsumDense": {"quantization_config"},
    "ReversibleEmbedding": {"quantization_config"},
    "RandomFlip": {"data_format"},
    "RandomBrightness": {"data_format"},
    "RandomContrast": {"data_format"},
}
# Those that Keratin writes only when they say something.
NEW_DEFAULTS = {
    "Resizing": {"pad_to_aspect_ratio": False, "fill_mode": "constant", "fill_value": 0.0, "antialias": False},
    "RandomContrast": {"value_range": (0, 255)},
}
NEW_INITIALIZER_KEYS = {"input_axes", "output_axes"}

# name, a function that makes the layer, input shapes with the batch, and what is special about the case.
CASES = [
    ("dense", lambda **k: layers.Dense(5, **k), [(4, 3)], {}),
    ("dense_relu_no_bias", lambda **k: layers.Dense(4, activation="relu", use_bias=False, **k), [(3, 6)], {}),
    ("dense_softmax_rank3", lambda **k: layers.Dense(4, activation="softmax", **k), [(2, 3, 5)], {}),
    (
        "dense_regularized",
        lambda **k: layers.Dense(
            3,
            activation="tanh",
            kernel_initializer=keras.initializers.HeNormal(seed=7),
            bias_initializer=keras.initializers.Constant(0.5),
            kernel_regularizer=keras.regularizers.L2(0.25),
            bias_regularizer=keras.regularizers.L1(0.125),
            activity_regularizer=keras.regularizers.L1L2(0.5, 0.25),
            kernel_constraint=keras.constraints.MaxNorm(2.0),
            bias_constraint="non_neg",
            **k,
        ),
        [(4, 5)],
        {},
    ),
    ("einsum_dense", lambda **k: layers.EinsumDense("ab,bc->ac", 5, bias_axes="c", activation="tanh", **k), [(3, 4)], {}),
    ("einsum_dense_heads", lambda **k: layers.EinsumDense("abc,cde->abde", (None, 2, 3), bias_axes="de", **k), [(2, 3, 4)], {}),
    ("einsum_dense_left", lambda **k: layers.EinsumDense("...xy,yxz->...z", 3, **k), [(2, 3, 2, 4)], {}),
    ("einsum_dense_right", lambda **k: layers.EinsumDense("ab...,bc->ac...", 3, bias_axes="c", kernel_regularizer="l2", **k), [(2, 4, 3)], {}),
    ("einsum_dense_batched", lambda **k: layers.EinsumDense("abc,bcd->adb", (2, 3), bias_axes="b", **k), [(2, 3, 4)], {}),
    ("conv2d", lambda **k: layers.Conv2D(4, 3, **k), [(2, 6, 5, 3)], {}),
    (
        "conv2d_same_strides",
        lambda **k: layers.Conv2D(3, (3, 2), strides=(2, 3), padding="same", activation="relu", **k),
        [(2, 7, 6, 2)],
        {},
    ),
    ("conv2d_same_even", lambda **k: layers.Conv2D(2, (2, 4), padding="same", use_bias=False, **k), [(1, 5, 5, 2)], {}),
    ("conv2d_dilated", lambda **k: layers.Conv2D(2, (3, 2), dilation_rate=(2, 3), **k), [(2, 7, 6, 2)], {}),
    ("conv2d_dilated_same", lambda **k: layers.Conv2D(2, 3, dilation_rate=2, padding="same", **k), [(1, 6, 5, 2)], {}),
    ("conv2d_groups", lambda **k: layers.Conv2D(6, 3, groups=2, padding="same", **k), [(1, 4, 4, 4)], {}),
    ("conv2d_depthwise", lambda **k: layers.Conv2D(4, 3, strides=2, groups=4, **k), [(2, 5, 5, 4)], {}),
    ("conv2d_1x1", lambda **k: layers.Conv2D(5, 1, activation="sigmoid", **k), [(2, 3, 3, 4)], {}),
    (
        "conv2d_transpose",
        lambda **k: layers.Conv2DTranspose(3, (3, 2), strides=(2, 3), activation="relu", **k),
        [(2, 3, 2, 2)],
        {},
    ),
    ("conv2d_transpose_wide", lambda **k: layers.Conv2DTranspose(2, (1, 2), strides=(3, 2), **k), [(2, 2, 3, 2)], {}),
    (
        "conv2d_transpose_same",
        lambda **k: layers.Conv2DTranspose(2, (3, 4), strides=(2, 3), padding="same", use_bias=False, **k),
        [(1, 3, 2, 3)],
        {},
    ),
    (
        "conv2d_transpose_same_small",
        lambda **k: layers.Conv2DTranspose(2, (2, 1), strides=(3, 4), padding="same", **k),
        [(1, 2, 2, 2)],
        {},
    ),
    (
        "conv2d_transpose_output_padding",
        lambda **k: layers.Conv2DTranspose(2, (3, 2), strides=2, output_padding=(0, 1), **k),
        [(1, 2, 3, 2)],
        {},
    ),
    (
        "conv2d_transpose_same_output_padding",
        lambda **k: layers.Conv2DTranspose(2, (3, 4), strides=3, padding="same", output_padding=(2, 0), **k),
        [(1, 2, 3, 2)],
        {},
    ),
    ("conv2d_transpose_dilated", lambda **k: layers.Conv2DTranspose(2, (2, 3), dilation_rate=(3, 2), **k), [(1, 3, 2, 2)], {}),
    (
        "conv2d_transpose_dilated_same",
        lambda **k: layers.Conv2DTranspose(2, (2, 3), dilation_rate=(3, 2), padding="same", **k),
        [(1, 4, 3, 2)],
        {},
    ),
    ("depthwise_conv2d", lambda **k: layers.DepthwiseConv2D(3, **k), [(2, 5, 4, 3)], {}),
    (
        "depthwise_conv2d_multiplier",
        lambda **k: layers.DepthwiseConv2D((3, 2), strides=2, padding="same", depth_multiplier=2, activation="sigmoid", **k),
        [(1, 5, 4, 3)],
        {},
    ),
    (
        "depthwise_conv2d_dilated",
        lambda **k: layers.DepthwiseConv2D(
            2, dilation_rate=(2, 1), use_bias=False, depthwise_regularizer="l2", depthwise_constraint="max_norm", **k
        ),
        [(1, 4, 3, 2)],
        {},
    ),
    ("separable_conv2d", lambda **k: layers.SeparableConv2D(4, 3, **k), [(2, 4, 5, 2)], {}),
    (
        "separable_conv2d_multiplier",
        lambda **k: layers.SeparableConv2D(
            3, (2, 3), strides=2, padding="same", depth_multiplier=2, activation="relu", pointwise_initializer="he_normal",
            pointwise_regularizer="l1", **k
        ),
        [(1, 4, 5, 2)],
        {},
    ),
    ("conv1d", lambda **k: layers.Conv1D(4, 3, **k), [(2, 6, 3)], {}),
    ("conv1d_same", lambda **k: layers.Conv1D(3, 4, strides=2, padding="same", activation="relu", **k), [(2, 7, 2)], {}),
    ("conv1d_causal", lambda **k: layers.Conv1D(2, 3, padding="causal", dilation_rate=2, **k), [(2, 6, 2)], {}),
    ("conv1d_causal_strides", lambda **k: layers.Conv1D(2, 2, padding="causal", strides=3, use_bias=False, **k), [(1, 8, 2)], {}),
    ("conv1d_groups", lambda **k: layers.Conv1D(4, 2, groups=2, dilation_rate=3, **k), [(2, 5, 4)], {}),
    ("conv1d_transpose", lambda **k: layers.Conv1DTranspose(3, 3, strides=2, **k), [(2, 4, 2)], {}),
    (
        "conv1d_transpose_same",
        lambda **k: layers.Conv1DTranspose(2, 4, strides=3, padding="same", output_padding=1, **k),
        [(1, 3, 2)],
        {},
    ),
    ("conv1d_transpose_dilated", lambda **k: layers.Conv1DTranspose(2, 3, padding="same", dilation_rate=2, **k), [(1, 4, 2)], {}),
    ("depthwise_conv1d", lambda **k: layers.DepthwiseConv1D(3, depth_multiplier=2, **k), [(2, 5, 3)], {}),
    ("depthwise_conv1d_same", lambda **k: layers.DepthwiseConv1D(2, strides=2, padding="same", **k), [(2, 5, 2)], {}),
    ("separable_conv1d", lambda **k: layers.SeparableConv1D(3, 2, depth_multiplier=2, activation="relu", **k), [(2, 4, 2)], {}),
    ("separable_conv1d_same", lambda **k: layers.SeparableConv1D(2, 3, padding="same", dilation_rate=2, **k), [(2, 5, 3)], {}),
    ("conv3d", lambda **k: layers.Conv3D(2, (2, 3, 2), **k), [(2, 3, 4, 3, 2)], {}),
    (
        "conv3d_same",
        lambda **k: layers.Conv3D(2, (3, 2, 2), strides=(2, 1, 2), padding="same", activation="relu", **k),
        [(1, 5, 3, 4, 2)],
        {},
    ),
    ("conv3d_groups", lambda **k: layers.Conv3D(4, 2, groups=2, dilation_rate=(2, 1, 1), use_bias=False, **k), [(1, 4, 2, 3, 4)], {}),
    ("conv3d_strides", lambda **k: layers.Conv3D(1, (1, 2, 1), strides=(3, 2, 1), **k), [(1, 5, 4, 2, 1)], {}),
    ("conv3d_transpose", lambda **k: layers.Conv3DTranspose(2, (2, 3, 2), strides=(2, 1, 3), activation="relu", **k), [(2, 2, 3, 2, 2)], {}),
    ("conv3d_transpose_same", lambda **k: layers.Conv3DTranspose(2, (3, 2, 4), strides=(2, 3, 1), padding="same", **k), [(1, 2, 2, 3, 2)], {}),
    (
        "conv3d_transpose_output_padding",
        lambda **k: layers.Conv3DTranspose(1, 3, strides=2, padding="same", output_padding=(1, 0, 1), use_bias=False, **k),
        [(1, 2, 2, 1, 2)],
        {},
    ),
    ("conv3d_transpose_dilated", lambda **k: layers.Conv3DTranspose(1, 2, dilation_rate=(2, 1, 3), **k), [(1, 2, 3, 2, 2)], {}),
    ("max_pooling1d", lambda **k: layers.MaxPooling1D(**k), [(2, 5, 3)], {}),
    ("max_pooling1d_same", lambda **k: layers.MaxPooling1D(3, strides=2, padding="same", **k), [(2, 6, 2)], {}),
    ("average_pooling1d", lambda **k: layers.AveragePooling1D(2, strides=1, **k), [(2, 5, 3)], {}),
    ("average_pooling1d_same", lambda **k: layers.AveragePooling1D(3, strides=2, padding="same", **k), [(2, 5, 2)], {}),
    ("max_pooling3d", lambda **k: layers.MaxPooling3D(**k), [(1, 4, 3, 5, 2)], {}),
    (
        "max_pooling3d_same",
        lambda **k: layers.MaxPooling3D((3, 2, 2), strides=(2, 1, 2), padding="same", **k),
        [(2, 4, 3, 3, 1)],
        {},
    ),
    ("average_pooling3d", lambda **k: layers.AveragePooling3D((2, 1, 2), **k), [(2, 4, 2, 4, 2)], {}),
    ("average_pooling3d_same", lambda **k: layers.AveragePooling3D(3, strides=2, padding="same", **k), [(1, 3, 4, 3, 2)], {}),
    ("adaptive_average_pooling2d", lambda **k: layers.AdaptiveAveragePooling2D((2, 3), **k), [(2, 4, 5, 2)], {}),
    ("adaptive_max_pooling2d", lambda **k: layers.AdaptiveMaxPooling2D((3, 2), **k), [(2, 4, 5, 2)], {}),
    ("adaptive_average_pooling1d", lambda **k: layers.AdaptiveAveragePooling1D(3, **k), [(2, 7, 2)], {}),
    ("adaptive_max_pooling1d", lambda **k: layers.AdaptiveMaxPooling1D(2, **k), [(2, 6, 3)], {}),
    ("adaptive_average_pooling3d", lambda **k: layers.AdaptiveAveragePooling3D((2, 3, 1), **k), [(1, 4, 5, 3, 2)], {}),
    ("adaptive_max_pooling3d", lambda **k: layers.AdaptiveMaxPooling3D(2, **k), [(1, 3, 4, 2, 2)], {}),
    ("global_average_pooling1d", lambda **k: layers.GlobalAveragePooling1D(**k), [(2, 4, 3)], {}),
    ("global_max_pooling1d_keepdims", lambda **k: layers.GlobalMaxPooling1D(keepdims=True, **k), [(2, 4, 3)], {}),
    ("global_average_pooling3d_keepdims", lambda **k: layers.GlobalAveragePooling3D(keepdims=True, **k), [(2, 2, 3, 2, 2)], {}),
    ("global_max_pooling3d", lambda **k: layers.GlobalMaxPooling3D(**k), [(2, 2, 3, 2, 2)], {}),
    ("max_pooling2d", lambda **k: layers.MaxPooling2D(**k), [(2, 5, 6, 3)], {}),
    (
        "max_pooling2d_same",
        lambda **k: layers.MaxPooling2D((3, 2), strides=(2, 1), padding="same", **k),
        [(2, 5, 4, 2)],
        {},
    ),
    ("average_pooling2d", lambda **k: layers.AveragePooling2D((2, 3), **k), [(2, 4, 6, 2)], {}),
    (
        "average_pooling2d_same",
        lambda **k: layers.AveragePooling2D(3, strides=2, padding="same", **k),
        [(2, 6, 5, 2)],
        {},
    ),
    ("global_average_pooling2d", lambda **k: layers.GlobalAveragePooling2D(**k), [(2, 3, 4, 3)], {}),
    ("global_average_pooling2d_keepdims", lambda **k: layers.GlobalAveragePooling2D(keepdims=True, **k), [(2, 3, 4, 3)], {}),
    ("global_max_pooling2d", lambda **k: layers.GlobalMaxPooling2D(**k), [(2, 3, 4, 3)], {}),
    ("global_max_pooling2d_keepdims", lambda **k: layers.GlobalMaxPooling2D(keepdims=True, **k), [(2, 3, 4, 3)], {}),
    ("flatten", lambda **k: layers.Flatten(**k), [(2, 3, 2, 2)], {}),
    ("reshape", lambda **k: layers.Reshape((4, 3, 1), **k), [(2, 12)], {}),
    ("reshape_unknown", lambda **k: layers.Reshape((-1, 2), **k), [(2, 3, 4)], {}),
    ("permute", lambda **k: layers.Permute((3, 1, 2), **k), [(2, 3, 4, 2)], {}),
    ("repeat_vector", lambda **k: layers.RepeatVector(3, **k), [(2, 4)], {}),
    ("zero_padding2d", lambda **k: layers.ZeroPadding2D(**k), [(2, 3, 2, 2)], {}),
    ("zero_padding2d_sides", lambda **k: layers.ZeroPadding2D(((1, 0), (2, 3)), **k), [(1, 3, 2, 2)], {}),
    ("cropping2d", lambda **k: layers.Cropping2D((1, 2), **k), [(2, 4, 6, 2)], {}),
    ("cropping2d_sides", lambda **k: layers.Cropping2D(((1, 0), (0, 2)), **k), [(2, 3, 4, 2)], {}),
    ("zero_padding1d", lambda **k: layers.ZeroPadding1D(**k), [(2, 3, 2)], {}),
    ("zero_padding1d_sides", lambda **k: layers.ZeroPadding1D((2, 0), **k), [(2, 3, 2)], {}),
    ("zero_padding3d", lambda **k: layers.ZeroPadding3D(((1, 0), (2, 1), (0, 1)), **k), [(1, 2, 2, 2, 1)], {}),
    ("cropping1d", lambda **k: layers.Cropping1D(**k), [(2, 4, 2)], {}),
    ("cropping1d_sides", lambda **k: layers.Cropping1D((0, 2), **k), [(2, 4, 2)], {}),
    ("cropping3d", lambda **k: layers.Cropping3D((1, 0, 1), **k), [(1, 3, 2, 4, 2)], {}),
    ("up_sampling1d", lambda **k: layers.UpSampling1D(3, **k), [(2, 3, 2)], {}),
    ("up_sampling3d", lambda **k: layers.UpSampling3D((2, 1, 3), **k), [(1, 2, 2, 2, 2)], {}),
    ("up_sampling2d", lambda **k: layers.UpSampling2D((2, 3), **k), [(2, 2, 3, 2)], {}),
    (
        "up_sampling2d_bilinear",
        lambda **k: layers.UpSampling2D((2, 3), interpolation="bilinear", **k),
        [(2, 4, 3, 2)],
        {},
    ),
    ("up_sampling2d_bilinear_rows", lambda **k: layers.UpSampling2D((4, 1), interpolation="bilinear", **k), [(1, 3, 2, 2)], {}),
    ("dropout", lambda **k: layers.Dropout(0.5, seed=3, **k), [(3, 4)], {"random": True}),
    ("alpha_dropout", lambda **k: layers.AlphaDropout(0.25, seed=5, **k), [(3, 4)], {"random": True}),
    ("gaussian_dropout", lambda **k: layers.GaussianDropout(0.25, seed=5, **k), [(3, 4)], {"random": True}),
    ("gaussian_noise", lambda **k: layers.GaussianNoise(0.5, **k), [(3, 4)], {"random": True}),
    ("spatial_dropout1d", lambda **k: layers.SpatialDropout1D(0.5, seed=2, **k), [(2, 3, 2)], {"random": True}),
    ("spatial_dropout2d", lambda **k: layers.SpatialDropout2D(0.25, **k), [(2, 2, 3, 2)], {"random": True}),
    ("spatial_dropout3d", lambda **k: layers.SpatialDropout3D(0.25, **k), [(1, 2, 2, 2, 2)], {"random": True}),
    (
        "dense_orthogonal",
        lambda **k: layers.Dense(
            3, activity_regularizer=keras.regularizers.OrthogonalRegularizer(factor=0.5, mode="columns"), **k
        ),
        [(4, 3)],
        {},
    ),
    ("activity_regularization", lambda **k: layers.ActivityRegularization(l1=0.25, l2=0.5, **k), [(4, 3)], {}),
    ("batch_normalization", lambda **k: layers.BatchNormalization(**k), [(6, 4)], {}),
    (
        "batch_normalization_images",
        lambda **k: layers.BatchNormalization(momentum=0.75, epsilon=0.01, **k),
        [(3, 4, 3, 2)],
        {},
    ),
    (
        "batch_normalization_axis",
        lambda **k: layers.BatchNormalization(axis=1, center=False, **k),
        [(3, 4, 5)],
        {},
    ),
    ("batch_normalization_plain", lambda **k: layers.BatchNormalization(center=False, scale=False, **k), [(5, 3)], {}),
    ("batch_normalization_frozen", lambda **k: layers.BatchNormalization(trainable=False, **k), [(5, 3)], {}),
    ("layer_normalization", lambda **k: layers.LayerNormalization(**k), [(3, 2, 6)], {}),
    ("layer_normalization_axes", lambda **k: layers.LayerNormalization(axis=[1, 2], epsilon=0.01, **k), [(2, 3, 4)], {}),
    ("layer_normalization_inner_axis", lambda **k: layers.LayerNormalization(axis=1, scale=False, **k), [(2, 5, 3)], {}),
    ("group_normalization", lambda **k: layers.GroupNormalization(groups=3, **k), [(2, 3, 2, 6)], {}),
    ("group_normalization_axis", lambda **k: layers.GroupNormalization(groups=2, axis=1, scale=False, **k), [(2, 4, 3)], {}),
    (
        "group_normalization_instance",
        lambda **k: layers.GroupNormalization(groups=-1, epsilon=0.01, center=False, **k),
        [(2, 3, 2, 2)],
        {},
    ),
    ("rms_normalization", lambda **k: layers.RMSNormalization(**k), [(3, 2, 4)], {}),
    ("rms_normalization_axes", lambda **k: layers.RMSNormalization(axis=[1, 2], epsilon=0.01, **k), [(2, 3, 4)], {}),
    ("unit_normalization", lambda **k: layers.UnitNormalization(**k), [(3, 4)], {}),
    ("unit_normalization_axis", lambda **k: layers.UnitNormalization(axis=1, **k), [(2, 3, 2)], {}),
    ("activation", lambda **k: layers.Activation("tanh", **k), [(3, 4)], {}),
    ("relu", lambda **k: layers.ReLU(**k), [(3, 8)], {}),
    ("relu_general", lambda **k: layers.ReLU(max_value=1.0, negative_slope=0.25, threshold=0.5, **k), [(4, 8)], {}),
    ("relu_threshold", lambda **k: layers.ReLU(threshold=0.75, **k), [(4, 8)], {}),
    ("relu_max_slope", lambda **k: layers.ReLU(max_value=1.5, negative_slope=0.5, **k), [(4, 8)], {}),
    ("leaky_relu", lambda **k: layers.LeakyReLU(**k), [(3, 8)], {}),
    ("prelu", lambda **k: layers.PReLU(**k), [(2, 3, 4)], {}),
    ("prelu_shared", lambda **k: layers.PReLU(shared_axes=[1, 2], **k), [(2, 3, 4, 2)], {}),
    ("elu", lambda **k: layers.ELU(alpha=0.5, **k), [(3, 8)], {}),
    ("softmax", lambda **k: layers.Softmax(**k), [(2, 3, 4)], {}),
    ("softmax_axis", lambda **k: layers.Softmax(axis=1, **k), [(2, 3, 4)], {}),
    ("softmax_axes", lambda **k: layers.Softmax(axis=(1, 2), **k), [(2, 3, 4)], {}),
    ("embedding", lambda **k: layers.Embedding(7, 3, **k), [(2, 4)], {"ids": 7}),
    ("reversible_embedding", lambda **k: layers.ReversibleEmbedding(7, 3, **k), [(2, 4)], {"ids": 7}),
    (
        "reversible_embedding_reverse",
        lambda **k: layers.ReversibleEmbedding(5, 3, tie_weights=False, mask_zero=True, logit_soft_cap=2.0, **k),
        [(2, 4, 3)],
        {"options": {"reverse": True}},
    ),
    ("rescaling", lambda **k: layers.Rescaling(1.0 / 255, **k), [(2, 3)], {}),
    ("rescaling_offset", lambda **k: layers.Rescaling(0.5, offset=-1.0, **k), [(2, 3)], {}),
    ("normalization", lambda **k: layers.Normalization(**k), [(4, 3)], {}),
    ("normalization_axes", lambda **k: layers.Normalization(axis=(1, 3), invert=True, **k), [(2, 3, 2, 2)], {}),
    ("normalization_none", lambda **k: layers.Normalization(axis=None, **k), [(2, 3)], {}),
    ("normalization_number", lambda **k: layers.Normalization(axis=None, mean=0.5, variance=4.0, **k), [(2, 3)], {}),
    (
        "normalization_given",
        lambda **k: layers.Normalization(axis=(1, 2), mean=[0.5, -0.25], variance=[4.0, 0.25], invert=True, **k),
        [(2, 3, 2)],
        {},
    ),
    ("resizing", lambda **k: layers.Resizing(3, 5, **k), [(2, 6, 4, 3)], {}),
    ("resizing_larger", lambda **k: layers.Resizing(5, 7, **k), [(2, 3, 4, 1)], {}),
    ("resizing_nearest", lambda **k: layers.Resizing(5, 3, interpolation="nearest", **k), [(2, 3, 5, 2)], {}),
    ("resizing_bicubic", lambda **k: layers.Resizing(7, 4, interpolation="bicubic", **k), [(1, 4, 6, 2)], {}),
    ("resizing_lanczos3", lambda **k: layers.Resizing(3, 6, interpolation="lanczos3", antialias=True, **k), [(1, 7, 5, 1)], {}),
    ("resizing_lanczos5", lambda **k: layers.Resizing(5, 4, interpolation="lanczos5", **k), [(1, 4, 6, 1)], {}),
    ("resizing_antialias", lambda **k: layers.Resizing(2, 3, antialias=True, **k), [(1, 6, 5, 2)], {}),
    ("resizing_crop", lambda **k: layers.Resizing(4, 4, crop_to_aspect_ratio=True, **k), [(1, 5, 8, 2)], {}),
    ("resizing_pad", lambda **k: layers.Resizing(4, 4, pad_to_aspect_ratio=True, fill_value=0.5, **k), [(1, 3, 8, 2)], {}),
    ("center_crop", lambda **k: layers.CenterCrop(2, 3, **k), [(2, 5, 4, 2)], {}),
    ("center_crop_resized", lambda **k: layers.CenterCrop(6, 4, **k), [(1, 5, 8, 2)], {}),
    ("random_flip", lambda **k: layers.RandomFlip(seed=3, **k), [(2, 2, 3, 2)], {"random": True}),
    ("random_flip_horizontal", lambda **k: layers.RandomFlip("horizontal", **k), [(1, 2, 3, 1)], {"random": True}),
    ("random_brightness", lambda **k: layers.RandomBrightness(0.25, seed=3, **k), [(1, 2, 2, 1)], {"random": True}),
    (
        "random_brightness_drawn",
        lambda **k: layers.RandomBrightness((0.25, 0.25), value_range=(1.0, -1.0), **k),
        [(2, 3, 2, 2)],
        {"drawn": True},
    ),
    ("random_contrast", lambda **k: layers.RandomContrast(0.25, value_range=(0, 1), **k), [(1, 2, 2, 1)], {"random": True}),
    ("random_contrast_drawn", lambda **k: layers.RandomContrast((0.0, 0.0), seed=3, **k), [(2, 3, 2, 2)], {"drawn": True}),
    ("random_rotation", lambda **k: layers.RandomRotation(0.25, seed=3, **k), [(1, 2, 2, 1)], {"random": True}),
    ("random_rotation_drawn", lambda **k: layers.RandomRotation((0.0625, 0.0625), **k), [(2, 4, 3, 2)], {"drawn": True}),
    (
        "random_rotation_constant",
        lambda **k: layers.RandomRotation((-0.3125, -0.3125), fill_mode="constant", fill_value=0.5, **k),
        [(1, 5, 4, 2)],
        {"drawn": True},
    ),
    (
        "random_rotation_wrap",
        lambda **k: layers.RandomRotation((0.1875, 0.1875), fill_mode="wrap", interpolation="nearest", **k),
        [(1, 4, 5, 2)],
        {"drawn": True},
    ),
    ("random_translation", lambda **k: layers.RandomTranslation(0.25, (-0.5, 0.25), seed=3, **k), [(1, 2, 2, 1)], {"random": True}),
    (
        "random_translation_drawn",
        lambda **k: layers.RandomTranslation((0.25, 0.25), (-0.875, -0.875), **k),
        [(2, 6, 5, 2)],
        {"drawn": True},
    ),
    (
        "random_translation_constant",
        lambda **k: layers.RandomTranslation((-0.125, -0.125), (0.25, 0.25), fill_mode="constant", fill_value=0.5, **k),
        [(1, 4, 5, 2)],
        {"drawn": True},
    ),
    (
        "random_translation_wrap",
        lambda **k: layers.RandomTranslation((0.75, 0.75), (-0.375, -0.375), fill_mode="wrap", **k),
        [(1, 3, 4, 1)],
        {"drawn": True},
    ),
    (
        "random_translation_nearest",
        lambda **k: layers.RandomTranslation((0.25, 0.25), (0.5, 0.5), fill_mode="nearest", interpolation="nearest", **k),
        [(1, 3, 5, 1)],
        {"drawn": True},
    ),
    ("random_zoom", lambda **k: layers.RandomZoom(0.25, seed=3, **k), [(1, 2, 2, 1)], {"random": True}),
    ("random_zoom_drawn", lambda **k: layers.RandomZoom((0.5, 0.5), **k), [(2, 4, 3, 2)], {"drawn": True}),
    (
        "random_zoom_width",
        lambda **k: layers.RandomZoom((-0.375, -0.375), (0.75, 0.75), fill_mode="constant", fill_value=-0.5, **k),
        [(1, 5, 4, 2)],
        {"drawn": True},
    ),
    ("random_crop", lambda **k: layers.RandomCrop(4, 3, seed=3, **k), [(2, 4, 3, 2)], {"drawn": True}),
    ("random_erasing", lambda **k: layers.RandomErasing(seed=3, **k), [(1, 2, 2, 1)], {"random": True}),
    (
        "random_erasing_drawn",
        lambda **k: layers.RandomErasing((1.0, 1.0), (1.0, 1.0), fill_value=2.0, value_range=(0.0, 1.0), **k),
        [(1, 2, 2, 1)],
        {"drawn": True},
    ),
    ("random_shear", lambda **k: layers.RandomShear((0.25, 0.5), (0.0, 0.125), seed=3, **k), [(1, 2, 2, 1)], {"random": True}),
    ("random_shear_drawn", lambda **k: layers.RandomShear((0.0, 0.0), (0.0, 0.0), fill_mode="wrap", **k), [(1, 3, 4, 2)], {"drawn": True}),
    ("random_grayscale", lambda **k: layers.RandomGrayscale(0.25, **k), [(1, 2, 2, 3)], {"random": True}),
    ("random_grayscale_drawn", lambda **k: layers.RandomGrayscale(1.0, **k), [(2, 2, 3, 3)], {"drawn": True}),
    ("random_invert", lambda **k: layers.RandomInvert(0.5, seed=3, **k), [(1, 2, 2, 1)], {"random": True}),
    ("random_invert_drawn", lambda **k: layers.RandomInvert((1.0, 1.0), value_range=(0, 1), **k), [(1, 2, 3, 2)], {"drawn": True}),
    ("random_saturation", lambda **k: layers.RandomSaturation((0.25, 0.5), seed=3, **k), [(1, 2, 2, 3)], {"random": True}),
    (
        "random_saturation_drawn",
        lambda **k: layers.RandomSaturation((0.25, 0.25), value_range=(0.0, 1.0), **k),
        [(2, 2, 3, 3)],
        {"drawn": True, "positive": True},
    ),
    ("random_hue", lambda **k: layers.RandomHue(0.25, seed=3, **k), [(1, 2, 2, 3)], {"random": True}),
    (
        "random_hue_drawn",  # half of the circle, either way
        lambda **k: layers.RandomHue((1.0, 1.0), value_range=(0.0, 4.0), **k),
        [(2, 2, 3, 3)],
        {"drawn": True, "positive": True},
    ),
    (
        "random_color_jitter",
        lambda **k: layers.RandomColorJitter(brightness_factor=0.25, hue_factor=(0.25, 0.5), seed=3, **k),
        [(1, 2, 2, 3)],
        {"random": True},
    ),
    (
        "random_color_jitter_drawn",
        lambda **k: layers.RandomColorJitter((0.0, 4.0), (0.125, 0.125), (0.0, 0.0), (0.25, 0.25), (1.0, 1.0), **k),
        [(2, 2, 3, 3)],
        {"drawn": True, "positive": True},
    ),
    (
        "random_color_degeneration",
        lambda **k: layers.RandomColorDegeneration((0.5, 0.5), value_range=(-1.5, 1.5), **k),
        [(2, 2, 2, 3)],
        {"drawn": True},
    ),
    ("solarization", lambda **k: layers.Solarization(0.5, (0.25, 0.5), seed=3, **k), [(1, 2, 2, 1)], {"random": True}),
    (
        "solarization_drawn",
        lambda **k: layers.Solarization(value_range=(-2.0, 2.5), **k),
        [(1, 3, 2, 2)],
        {"drawn": True},
    ),
    ("auto_contrast", lambda **k: layers.AutoContrast(**k), [(2, 3, 2, 2)], {}),
    ("auto_contrast_range", lambda **k: layers.AutoContrast((-1.0, 1.0), **k), [(1, 3, 4, 1)], {}),
    ("category_encoding", lambda **k: layers.CategoryEncoding(5, **k), [(3, 4)], {"ids": 5}),
    ("category_encoding_one_hot", lambda **k: layers.CategoryEncoding(5, output_mode="one_hot", **k), [(2, 3)], {"ids": 5}),
    ("category_encoding_column", lambda **k: layers.CategoryEncoding(5, output_mode="one_hot", **k), [(4, 1)], {"ids": 5}),
    ("category_encoding_count", lambda **k: layers.CategoryEncoding(4, output_mode="count", **k), [(3, 5)], {"ids": 4}),
    ("identity", lambda **k: layers.Identity(**k), [(2, 3)], {}),
    ("add", lambda **k: layers.Add(**k), [(2, 3, 4), (2, 3, 4), (2, 4)], {}),
    ("subtract", lambda **k: layers.Subtract(**k), [(2, 3), (2, 1)], {}),
    ("multiply", lambda **k: layers.Multiply(**k), [(2, 3), (2, 3), (2, 1)], {}),
    ("average", lambda **k: layers.Average(**k), [(2, 3), (2, 3), (2, 3)], {}),
    ("maximum", lambda **k: layers.Maximum(**k), [(2, 3), (2, 3), (2, 3)], {}),
    ("minimum", lambda **k: layers.Minimum(**k), [(2, 3), (2, 3)], {}),
    ("concatenate", lambda **k: layers.Concatenate(**k), [(2, 3), (2, 2)], {}),
    ("concatenate_axis", lambda **k: layers.Concatenate(axis=1, **k), [(2, 3, 2), (2, 1, 2), (2, 2, 2)], {}),
    ("dot", lambda **k: layers.Dot(1, **k), [(3, 4), (3, 4)], {}),
    ("dot_axes", lambda **k: layers.Dot((2, 1), **k), [(2, 3, 4), (2, 4, 5)], {}),
    ("dot_normalized", lambda **k: layers.Dot(-1, normalize=True, **k), [(2, 3, 4), (2, 2, 4)], {}),
    # Layers that only keras.applications has.
    ("layer_scale", lambda **k: convnext.LayerScale(1e-6, 4, **k), [(2, 3, 4)], {}),
    ("stochastic_depth", lambda **k: convnext.StochasticDepth(0.25, **k), [(3, 4)], {"random": True}),
    ("custom_scale_layer", lambda **k: inception_resnet_v2.CustomScaleLayer(0.25, **k), [(2, 3), (2, 3)], {}),
]

ACTIVATIONS = [
    "linear", "relu", "sigmoid", "tanh", "softmax", "log_softmax", "leaky_relu", "relu6", "elu", "selu", "celu", "gelu",
    "silu", "mish", "softplus", "softsign", "exponential", "hard_sigmoid", "hard_silu", "hard_tanh", "log_sigmoid",
    "glu", "squareplus", "tanh_shrink", "hard_shrink", "soft_shrink", "sparse_plus", "sparse_sigmoid", "sparsemax",
]  # fmt: skip

random = np.random.default_rng(20260101)


def seed_for(name):
    """Each case has numbers of its own, so that a new one changes no other."""
    global random
    random = np.random.default_rng(zlib.crc32(name.encode()))


def numbers(shape, largest=2.0):
    """Distinct numbers around 0, none of them 0, that float32 holds exactly: no ties, no kinks, short text."""
    count = int(np.prod(shape))
    step = 2.0 ** np.ceil(np.log2(2 * largest / count))
    return ((random.permutation(count) - count // 2) * step + step / 4).reshape(shape)


def tensor(array):
    array = np.asarray(array)
    values = array.ravel()
    if not np.all(np.isfinite(values)):
        raise ValueError("a golden must be finite")
    return {"shape": list(array.shape), "values": [float(f"{v:.9g}") for v in values]}


def clean(config, class_name):
    """A configuration without what differs between versions, names and dtypes."""
    left_out = NEW_KEYS.get(class_name, set()) | {"name", "dtype", "trainable"}
    left_out |= {k for k, v in NEW_DEFAULTS.get(class_name, {}).items() if config.get(k) == v}
    # The common keys come first everywhere but in ELU.
    common = {"trainable": config["trainable"]} if "trainable" in config else {}
    config = {**common, **{k: v for k, v in config.items() if k not in left_out}}

    def strip(value):
        if isinstance(value, dict):
            if value.get("module") == "keras.initializers":
                value["config"] = {k: v for k, v in value["config"].items() if k not in NEW_INITIALIZER_KEYS}
            return {k: strip(v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [strip(v) for v in value]
        return value

    return strip(config)


def run(layer, trainable, rest, inputs, cotangent, training, options):
    """Output, losses, gradients of sum(output * cotangent) and the untrained variables afterwards."""
    single = len(inputs) == 1

    def forward(trainable, *inputs):
        state = list(zip(layer.trainable_variables + layer.non_trainable_variables, [*trainable, *rest]))
        with keras.StatelessScope(state_mapping=state, collect_losses=True) as scope:
            y = layer(inputs[0] if single else list(inputs), training=training, **options)
            after = [scope.get_current_value(v) for v in layer.non_trainable_variables if "seed" not in v.name]
        product = (y * cotangent).sum() if cotangent is not None else 0.0
        return product, (y, after, scope.losses)

    floating = [i for i, x in enumerate(inputs) if np.issubdtype(x.dtype, np.floating)]
    wanted = (0, *[i + 1 for i in floating])
    _, (y, after, losses) = forward(trainable, *inputs)
    if cotangent is None:
        return y
    gradients, _ = jax.grad(forward, argnums=wanted, has_aux=True)(trainable, *inputs)
    return {
        "output": tensor(y),
        "losses": float(sum(losses)) if losses else 0.0,
        "weight_gradients": [tensor(g) for g in gradients[0]],
        "input_gradients": [tensor(g) for g in gradients[1:]],
        "state": [tensor(v) for v in after],
    }


def layer_case(name, make, shapes, special):
    seed_for(name)
    # "drawn": random numbers from a range of one number, so that Keras draws what anybody does; in double precision.
    keras.config.set_floatx("float64" if special.get("drawn") else "float32")
    config = clean(make().get_config(), type(make()).__name__)
    layer = make(dtype="float64")
    inputs = [numbers(shape) for shape in shapes]
    if special.get("positive"):
        inputs = [np.abs(x) for x in inputs]
    if "ids" in special:
        inputs = [random.integers(0, special["ids"], shape, dtype="int32") for shape in shapes]
    arguments = inputs[0] if len(inputs) == 1 else inputs
    options = special.get("options", {})
    layer(arguments, **options)
    for variable in layer.weights:
        values = numbers(variable.shape, 1.0)
        variable.assign(np.abs(values) + 0.25 if "variance" in variable.name else values)
    if hasattr(layer, "finalize_state"):
        layer.finalize_state()
    trainable = [v.value for v in layer.trainable_variables]
    rest = [v.value for v in layer.non_trainable_variables]
    case = {
        "name": name,
        "class_name": type(layer).__name__,
        "config": config,
        "inputs": [{"dtype": str(x.dtype), **tensor(x)} for x in inputs],
        # In the order of files: trained first.
        "weights": [{"name": v.name, "trainable": v.trainable, **tensor(v.value)}
                    for v in layer.trainable_variables + layer.non_trainable_variables if "seed" not in v.name],
    }  # fmt: skip
    module = keras.saving.serialize_keras_object(layer)["module"]
    if module != "keras.layers":
        case["module"] = module
    if options:
        case["options"] = options
    y = run(layer, trainable, rest, inputs, None, False, options)
    cotangent = numbers(y.shape)
    case["cotangent"] = tensor(cotangent)
    case["predict"] = run(layer, trainable, rest, inputs, cotangent, False, options)
    if special.get("random"):
        case["random"] = True  # in training
        case["predict"]["state"] = []
    else:
        train = run(layer, trainable, rest, inputs, cotangent, True, options)
        if train != case["predict"]:  # only where the phases differ
            case["train"] = train
    return case


def sparsemax(x):
    """As the paper has it. Keras up to 3.15 sums cumulative sums, and its results do not sum to 1 (keras issue 23425)."""
    descending = -jax.numpy.sort(-x, axis=-1)
    support = descending - (jax.numpy.cumsum(descending, axis=-1) - 1) / jax.numpy.arange(1, x.shape[-1] + 1) > 0
    total = jax.numpy.where(support, descending, 0.0).sum(-1, keepdims=True)
    return jax.numpy.maximum(x - (total - 1) / support.sum(-1, keepdims=True), 0.0)


def activations():
    seed_for("activations")
    x = np.concatenate([numbers((32,), 8.0), [-30.5, -20.25, 20.25, 30.5]]).reshape(6, 6)
    cotangent = numbers(x.shape)
    result = {"x": tensor(x), "cotangent": tensor(cotangent), "functions": {}}
    for name in ACTIVATIONS:
        function = sparsemax if name == "sparsemax" else keras.activations.get(name)
        y = function(jax.numpy.asarray(x))
        columns = cotangent[:, : y.shape[1]]  # glu has half as many
        dx = jax.grad(lambda v: (function(v) * columns).sum())(jax.numpy.asarray(x))
        result["functions"][name] = {"y": tensor(y), "dx": tensor(dx)}
    return result


def main():
    target = pathlib.Path(__file__).resolve().parents[2] / "tests/goldens/layers.json.gz"
    if begins := tuple(sys.argv[1:]):  # the others stay
        goldens = json.loads(gzip.decompress(target.read_bytes()))
        there = {case["name"]: case for case in goldens["layers"]}
        goldens["layers"] = [layer_case(*case) if case[0].startswith(begins) else there[case[0]] for case in CASES]
    else:
        goldens = {"keras": keras.__version__, "layers": [layer_case(*case) for case in CASES], "activations": activations()}
    target.write_bytes(gzip.compress(json_lines(goldens).encode(), mtime=0))
    print(f"{target}: {target.stat().st_size} bytes, {len(goldens['layers'])} layers", file=sys.stderr)


def json_lines(goldens):
    """One case a line, so that zdiff shows what differs between two versions."""
    compact = lambda value: json.dumps(value, separators=(",", ":"))  # noqa: E731
    cases = ",\n".join(compact(case) for case in goldens["layers"])
    functions = ",\n".join(f'"{k}":{compact(v)}' for k, v in goldens["activations"]["functions"].items())
    x, cotangent = compact(goldens["activations"]["x"]), compact(goldens["activations"]["cotangent"])
    return (
        f'{{"keras":"{goldens["keras"]}",\n"layers":[\n{cases}\n],\n'
        f'"activations":{{"x":{x},"cotangent":{cotangent},"functions":{{\n{functions}\n}}}}}}\n'
    )


if __name__ == "__main__":
    main()
