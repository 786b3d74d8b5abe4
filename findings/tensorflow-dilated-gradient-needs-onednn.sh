#!/bin/sh
# TensorFlow trains a dilated convolution on one computer and refuses on another, by what the processor can do.
#
# On a CPU, the forward pass of a dilated convolution always works. Its gradient has one implementation there,
# oneDNN's; without oneDNN the first step of a training fails: "Current CPU implementations do not yet
# support dilation rates larger than 1". Whether oneDNN is in use is decided at the import, by the features of
# the processor (not with AVX2 alone), unless TF_ENABLE_ONEDNN_OPTS says so. So a network of dilated
# convolutions, usual for sound, is trained on one machine and fails on the next, with the same versions.
# Keras's one-dimensional layer computes the same, and its gradient works either way.
#
# Seen with: tensorflow-cpu 2.21.0, Python 3.11, Linux x86-64.
# The way round: shifted copies of the input beside each other, and one matrix product; or
# TF_ENABLE_ONEDNN_OPTS=1 before the import.
set -eu
python3 -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' ||
    { echo "needs python3 to be 3.10 to 3.13" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check tensorflow-cpu==2.21.0
cat >gradient.py <<'EOF'
import tensorflow as tf

x = tf.ones((2, 40, 1, 4))
kernel = tf.Variable(tf.ones((3, 1, 4, 4)))
layer = tf.keras.layers.Conv1D(4, 3, dilation_rate=2)
layer.build((2, 40, 4))


def two_dimensions():
    return kernel, lambda: tf.nn.conv2d(x, kernel, 1, "VALID", dilations=(2, 1))


def keras():
    return layer.kernel.value, lambda: layer(x[:, :, 0])


@tf.function(autograph=False)
def gradient(variable, convolve):
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(convolve())
    return tape.gradient(total, variable)


for case in (two_dimensions, keras):
    variable, convolve = case()
    forward = convolve().shape
    try:
        result = f"gradient {gradient(variable, convolve).shape}"
    except tf.errors.InvalidArgumentError as error:
        said = "do not yet support dilation rates larger than 1" in str(error)
        result = "gradient refused for its dilation" if said else "gradient refused otherwise"
    print(f"{case.__name__}: forward {forward}, {result}")
EOF
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=
for use in 1 0; do
    echo "TF_ENABLE_ONEDNN_OPTS=$use"
    TF_ENABLE_ONEDNN_OPTS=$use venv/bin/python gradient.py 2>messages
done | tee seen
cat >expected <<'EOF'
TF_ENABLE_ONEDNN_OPTS=1
two_dimensions: forward (2, 36, 1, 4), gradient (3, 1, 4, 4)
keras: forward (2, 36, 4), gradient (3, 4, 4)
TF_ENABLE_ONEDNN_OPTS=0
two_dimensions: forward (2, 36, 1, 4), gradient refused for its dilation
keras: forward (2, 36, 4), gradient (3, 4, 4)
EOF
cmp -s seen expected || { echo CHANGED >&2; exit 1; }
