#!/usr/bin/env python3
"""Measures decoding and training steps of the reference's networks in PyTorch and ONNX Runtime.

Every line on standard input is a request, `torch|onnx decoder|train DIMS BATCH THREADS`; the answer is a line with wall and CPU
milliseconds an avalanche and the largest memory of the process so far in MB. `cargo xtask bench-peers` asks.
"""

import pathlib
import resource
import statistics
import sys
import time

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "crates/townsend-models/parity"))
import reference as ref  # noqa: E402

OPSET = 17


def folded(weight, bias, norm):
    """Weights and bias of a transposed convolution with the batch normalisation after it."""
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    shape = (1, -1) + (1,) * (weight.dim() - 2)
    return weight * scale.reshape(shape), (bias - norm.running_mean) * scale + norm.bias


def onnx_model(decoder, dims):
    nodes, weights = [], []

    def constant(name, tensor):
        weights.append(numpy_helper.from_array(tensor.detach().numpy(), name))
        return name

    def linear(name, before):
        layer = getattr(decoder, name)
        inputs = [before, constant(f"{name}.w", layer.weight), constant(f"{name}.b", layer.bias)]
        nodes.append(helper.make_node("Gemm", inputs, [name], transB=1))
        return name

    value = linear("features", linear("hidden", "z"))
    shape = constant("shape", torch.tensor([0, -1] + [1] * dims))
    nodes.append(helper.make_node("Reshape", [value, shape], ["map"]))
    value = "map"
    for i in range(1, decoder.layers + 1):
        layer = getattr(decoder, f"conv{i}")
        weight, bias = folded(layer.weight, layer.bias, getattr(decoder, f"norm{i}"))
        inputs = [value, constant(f"{i}.w", weight), constant(f"{i}.b", bias)]
        kernel, stride = list(layer.kernel_size), list(layer.stride)
        nodes.append(helper.make_node("ConvTranspose", inputs, [f"conv{i}"], kernel_shape=kernel, strides=stride))
        nodes.append(helper.make_node("Relu", [f"conv{i}"], [f"relu{i}"]))
        value = f"relu{i}"
    latent = ref.FULL["latent"]
    z = helper.make_tensor_value_info("z", TensorProto.FLOAT, ["n", latent])
    out = helper.make_tensor_value_info(value, TensorProto.FLOAT, ["n", "c"] + ["cells"] * dims)
    graph = helper.make_graph(nodes, "decoder", [z], [out], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def measured(act, batch):
    """Wall and CPU seconds of an avalanche, averaged over 0.3 s."""
    act()
    calls, wall, cpu = 0, time.perf_counter(), time.process_time()
    while calls < 3 or time.perf_counter() - wall < 0.3:
        act()
        calls += 1
    return [(time.perf_counter() - wall) / calls / batch, (time.process_time() - cpu) / calls / batch]


MADE = {}


def once(key, make):
    if key not in MADE:
        MADE[key] = make()
    return MADE[key]


def network(dims):
    torch.manual_seed(1)
    vae = ref.Vae(dims, **ref.FULL)
    with torch.no_grad():
        ref.randomise(vae, torch.Generator().manual_seed(1))
    return vae


def torch_decoder(dims, batch):
    decoder = once(("torch", dims), lambda: network(dims)).decoder.eval()
    z = torch.randn(batch, ref.FULL["latent"])
    with torch.inference_mode():
        return measured(lambda: torch.relu(decoder(z)), batch)


def onnx_decoder(dims, batch, threads):
    decoder = once(("torch", dims), lambda: network(dims)).decoder.eval()

    def session():
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Waiting threads would take CPU time from the others that are measured.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        model = onnx_model(decoder, dims)
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        z = np.random.default_rng(1).standard_normal((2, ref.FULL["latent"]), dtype=np.float32)
        with torch.inference_mode():
            want = torch.relu(decoder(torch.from_numpy(z))).numpy()
        got = session.run(None, {"z": z})[0].reshape(2, -1)
        assert np.abs(got - want).max() < 1e-4 * np.abs(want).max(), "ONNX Runtime computes something else"
        return session

    session = once(("onnx", dims, threads), session)
    z = np.random.default_rng(1).standard_normal((batch, ref.FULL["latent"]), dtype=np.float32)
    return measured(lambda: session.run(None, {"z": z}), batch)


def torch_training(dims, batch):
    vae = network(dims).train()
    optimiser = torch.optim.Adam(vae.parameters(), lr=1e-7, betas=(0.5, 0.999))
    counts = ref.counts(batch, 92, dims, torch.Generator().manual_seed(1))
    times = []
    for _ in range(5 if dims == 3 else 9):
        wall, cpu = time.perf_counter(), time.process_time()
        optimiser.zero_grad()
        mean, logvar = vae.bottleneck(vae.encoder(counts[:, None]))
        noise = torch.randn(batch, ref.FULL["latent"])
        output = torch.relu(vae.decoder(mean + torch.exp(logvar / 2) * noise))
        ref.mse_loss(output, counts.flatten(1), mean, logvar, 1.5).backward()
        optimiser.step()
        times.append((time.perf_counter() - wall, time.process_time() - cpu))
    return [statistics.median(kind) / batch for kind in zip(*times[1:])]


def main():
    for line in sys.stdin:
        peer, case, *numbers = line.split()
        dims, batch, threads = map(int, numbers)
        torch.set_num_threads(threads)
        if peer == "onnx":
            wall, cpu = onnx_decoder(dims, batch, threads)
        elif case == "decoder":
            wall, cpu = torch_decoder(dims, batch)
        else:
            wall, cpu = torch_training(dims, batch)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(wall * 1e3, cpu * 1e3, peak, flush=True)


main()
