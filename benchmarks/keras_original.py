"""How fast AtmoDist trains here, and in Keras, in which the original was written: same layers, same machine.

    python benchmarks/keras_original.py [--threads 2] [--tensorflow PYTHON]

Pairs a second of a whole training step, with penalty, clipping and update, at 32 and 160 pixels. PYTHON is an
interpreter that has TensorFlow, which this project does not need; without one, only this project is measured.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from shared import seconds

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))

STAGES, BLOCKS, CLASSES = (16, 32, 64, 128), 6, 23
CASES = ((32, 128), (160, 32))  # pixels and pairs a batch
PARAMETERS = 2_747_856  # of the original at 160 pixels, counting moving statistics (Hoffmann & Lessig 2023)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tensorflow", default=sys.executable, help="(this interpreter)")
    parser.add_argument("--repeats", type=int, default=3, help="turns of each, of which the best counts")
    parser.add_argument("--measure", choices=["keras", "32-true", "bf16-mixed"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        step = keras_step if options.measure == "keras" else our_step
        print(json.dumps([rate(step, options.measure, *case, options.threads) for case in CASES]))
        return

    from atmodist.learning.devices import cpu_has_bfloat16

    has_tensorflow = subprocess.run(
        [options.tensorflow, "-c", "import tensorflow"], capture_output=True, check=False
    )
    kinds = ["32-true", *(["bf16-mixed"] if cpu_has_bfloat16() else [])]
    if has_tensorflow.returncode:
        print(
            "TensorFlow is not installed: Keras is not measured (--tensorflow names an interpreter with it)."
        )
    else:
        kinds.insert(0, "keras")
    rates = {kind: [0.0] * len(CASES) for kind in kinds}
    for _ in range(options.repeats):  # in turn, so that other work on the machine slows all of them
        for kind in kinds:
            python = options.tensorflow if kind == "keras" else sys.executable
            command = [python, __file__, "--measure", kind, "--threads", str(options.threads)]
            run = subprocess.run(command, capture_output=True, text=True, check=False)
            if run.returncode:
                raise SystemExit(run.stderr)
            found = json.loads(run.stdout.splitlines()[-1])
            rates[kind] = [max(pair) for pair in zip(rates[kind], found, strict=True)]
    print(f"CPU, {options.threads} threads, pairs/s (share of Keras)")
    print(f"{'':12}" + "".join(f"{f'{patch} px':>18}" for patch, _ in CASES))
    for kind, row in rates.items():
        ratios = [
            f"{value / rates['keras'][n]:.2f}" if "keras" in rates else "–" for n, value in enumerate(row)
        ]
        print(
            f"{kind:12}"
            + "".join(f"{value:10.1f} ({ratio:>5})" for value, ratio in zip(row, ratios, strict=True))
        )


def rate(make_step, kind, patch, size, threads, steps=4):
    """Pairs a second of the fastest of a few steps."""
    step = make_step(kind, patch, size, threads)
    step()
    return size / seconds(step, steps)


def our_step(precision, patch, size, threads):
    """A step as `train_atmodist` makes it: counting what is predicted right takes a ten thousandth of it."""
    from training import bare_atmodist

    from atmodist.learning.devices import Hardware, one_device

    hardware = Hardware(device="cpu", precision=precision, threads=threads)
    return bare_atmodist(one_device(hardware), hardware, patch, size)


def keras_step(_, patch, size, threads):
    """The original's layers, loss and optimiser: one encoder, called for each of the two patches."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    layers = tf.keras.layers
    penalty = tf.keras.regularizers.l2(1e-4)

    def convolution(x, channels, size, stride=1, bias=False):
        settings = {"use_bias": bias, "kernel_initializer": "he_normal", "kernel_regularizer": penalty}
        return layers.Conv2D(channels, size, stride, padding="same", **settings)(x)

    def norm(x):
        return layers.BatchNormalization(epsilon=1.001e-5, momentum=0.99)(x)

    def relu(x):
        return layers.Activation("relu")(x)

    def block(x, channels, stride):
        y = relu(norm(convolution(x, channels, 3, stride)))
        y = norm(convolution(y, channels, 3))
        if stride != 1 or x.shape[-1] != channels:
            x = convolution(x, channels, 1, stride)
        return relu(layers.Add()([x, y]))

    shape = (patch, patch, 2)
    inside = layers.Input(shape)
    x = relu(norm(convolution(inside, STAGES[0], 8, 2, bias=True)))
    x = layers.MaxPooling2D(3, 2, padding="same")(x)
    for number, channels in enumerate(STAGES):
        for position in range(BLOCKS):
            x = block(x, channels, 2 if number and not position else 1)
    encoder = tf.keras.Model(inside, x)
    pair = [layers.Input(shape), layers.Input(shape)]
    x = layers.Concatenate()([encoder(each) for each in pair])
    x = relu(norm(convolution(x, STAGES[-1], 3, 2, bias=True)))
    x = relu(norm(convolution(x, STAGES[-1], 3, bias=True)))
    dense = {"use_bias": False, "kernel_initializer": "he_normal", "kernel_regularizer": penalty}
    x = layers.Dense(CLASSES, activation="softmax", **dense)(layers.Flatten()(x))
    network = tf.keras.Model(pair, x)
    if patch == 160 and network.count_params() != PARAMETERS:
        raise SystemExit(f"the network has {network.count_params()} parameters; expected {PARAMETERS}")
    network.compile(tf.keras.optimizers.SGD(0.1, 0.9, clipnorm=5.0), "sparse_categorical_crossentropy")
    rng = np.random.default_rng(0)
    first, second = rng.standard_normal((2, size, *shape), dtype=np.float32)
    batch = [tf.constant(first), tf.constant(second)], tf.constant(rng.integers(CLASSES, size=size))
    return lambda: network.train_on_batch(*batch)


if __name__ == "__main__":
    main()
