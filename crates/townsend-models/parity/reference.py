"""The reference VAE in PyTorch, with the tensor names of this crate, and how its results are written down."""

import pathlib
import warnings

import torch
from safetensors.torch import save_file
from torch import nn

# Without the CUDA packages (torch_cpu.py) PyTorch says at first use that it found no device.
warnings.filterwarnings("ignore", message="CUDA initialization")

CONVOLUTION = {2: nn.Conv2d, 3: nn.Conv3d}
TRANSPOSED = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
NORM = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}

FULL = dict(channels=[16, 32, 64, 128], kernels=[6, 5, 5, 4], strides=[2, 3, 3, 1], hidden=3000, latent=300)
# The same kinds of layers with few channels; in 3D on 32 cells an axis, where three layers lead to one cell.
SMALL = {
    2: dict(channels=[2, 3, 4, 5], kernels=[6, 5, 5, 4], strides=[2, 3, 3, 1], hidden=12, latent=6),
    3: dict(channels=[2, 3, 4], kernels=[6, 5, 4], strides=[2, 3, 1], hidden=12, latent=6),
}
SMALL_CELLS = {2: 92, 3: 32}


class Encoder(nn.Module):
    def __init__(self, dims, channels, kernels, strides, **_):
        super().__init__()
        self.layers = len(channels)
        for i, (inputs, outputs) in enumerate(zip([1] + channels, channels)):
            setattr(self, f"conv{i + 1}", CONVOLUTION[dims](inputs, outputs, kernels[i], strides[i]))
            setattr(self, f"norm{i + 1}", NORM[dims](outputs))

    def forward(self, x):
        for i in range(1, self.layers + 1):
            x = getattr(self, f"norm{i}")(getattr(self, f"conv{i}")(x))
            x = nn.functional.leaky_relu(x, 0.01)
        return x.flatten(1)


class Bottleneck(nn.Module):
    def __init__(self, channels, hidden, latent, **_):
        super().__init__()
        self.hidden = nn.Linear(channels[-1], hidden)
        self.mu = nn.Linear(hidden, latent)
        self.logvar = nn.Linear(hidden, latent)

    def forward(self, features):
        hidden = self.hidden(features)
        return self.mu(hidden), self.logvar(hidden)


class Decoder(nn.Module):
    def __init__(self, dims, channels, kernels, strides, hidden, latent, output_norm=True, **_):
        super().__init__()
        self.dims, self.layers = dims, len(channels)
        self.hidden = nn.Linear(latent, hidden)
        self.features = nn.Linear(hidden, channels[-1])
        back = channels[::-1] + [1]
        for i in range(self.layers):
            layer = TRANSPOSED[dims](back[i], back[i + 1], kernels[-1 - i], strides[-1 - i])
            setattr(self, f"conv{i + 1}", layer)
            if output_norm or i + 1 < self.layers:
                setattr(self, f"norm{i + 1}", NORM[dims](back[i + 1], eps=1e-3 if i == 0 else 1e-5))

    def forward(self, z):
        x = self.features(self.hidden(z))
        x = x.reshape(*x.shape, *[1] * self.dims)
        for i in range(1, self.layers + 1):
            x = getattr(self, f"conv{i}")(x)
            if hasattr(self, f"norm{i}"):
                x = getattr(self, f"norm{i}")(x)
            if i < self.layers:
                x = nn.functional.relu(x)
        return x.flatten(1)


class LogDensityPolynomial(nn.Module):
    """A polynomial of second degree of the position, in units (centres, widths) along x, z, t, which end at REACH; cells are [t, z, x]."""

    REACH = 4.0

    def __init__(self, latent, bins, centres, widths):
        super().__init__()
        dims = len(bins)
        self.linear = nn.Linear(latent, dims + dims * (dims + 1) // 2)
        # From -1 to 1 over each axis, flow bins beyond its ends.
        axes = [
            (((2 * torch.arange(n + 2).double() - 1 - n) / n - centre) / width).clamp(-self.REACH, self.REACH)
            for n, centre, width in zip(bins, centres, widths)
        ]
        u = [x.flatten() for x in torch.meshgrid(*axes[::-1], indexing="ij")][::-1]
        pairs = [u[i] * u[j] for i in range(dims) for j in range(i, dims)]
        self.register_buffer("monomials", torch.stack(u + pairs))

    def forward(self, latent):
        return self.linear(latent) @ self.monomials


class Vae(nn.Module):
    def __init__(self, dims, **layers):
        super().__init__()
        self.encoder = Encoder(dims, **layers)
        self.bottleneck = Bottleneck(**layers)
        self.decoder = Decoder(dims, **layers)


OUTPUT = {
    "relu": nn.functional.relu,
    "two_sigmoid": lambda x: 2 * torch.sigmoid(x),
    "exp": lambda x: x,
    "softmax": lambda x: nn.functional.log_softmax(x, 1),
}


def mse_loss(output, counts, mean, logvar, weight):
    """The reference's: mean squared error over cells + weight * KLD, averaged over batch and latent dimensions."""
    kl = -0.5 * torch.mean(1 + logvar - mean**2 - logvar.exp())
    return ((output - counts) ** 2).mean() + weight * kl


def multinomial_loss(log_p, counts, mean, logvar, weight):
    """In nats of an avalanche: -sum n log p + weight * KL, averaged over the batch only."""
    kl = -0.5 * torch.sum(1 + logvar - mean**2 - logvar.exp(), dim=1)
    return (-(counts * log_p).sum(1) + weight * kl).mean()


def poisson_loss(log_rate, counts, mean, logvar, weight):
    """In nats of an avalanche, without ln n!: sum rate - n log rate + weight * KL, averaged over the batch only."""
    kl = -0.5 * torch.sum(1 + logvar - mean**2 - logvar.exp(), dim=1)
    nll = nn.functional.poisson_nll_loss(log_rate, counts, log_input=True, full=False, reduction="none")
    return (nll.sum(1) + weight * kl).mean()


def counts(batch, cells, dims, generator):
    """Avalanche-like counts: few cells hold many electrons, most hold none."""
    shape = (batch, *[cells] * dims)
    axis = (torch.arange(cells) - cells / 2) / (cells / 8)
    density = torch.ones(shape[1:])
    for d in range(dims):
        density = density * torch.exp(-(axis**2) / 2).reshape([-1 if d == e else 1 for e in range(dims)])
    return torch.poisson(5 * density.expand(shape), generator=generator)


def randomise(module, generator):
    """Weights as PyTorch draws them, but normalisations that do something."""
    for name, tensor in module.state_dict().items():
        if "norm" in name and name.endswith(("weight", "running_var")):
            tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator))
        elif "norm" in name and name.endswith(("bias", "running_mean")):
            tensor.copy_(torch.rand(tensor.shape, generator=generator) - 0.5)


def state(module, prefix):
    return {prefix + k: v.clone() for k, v in module.state_dict().items() if not k.endswith("num_batches_tracked")}


def gradients(module, prefix):
    return {f"gradient.{prefix}{k}": p.grad.clone() for k, p in module.named_parameters()}


def probe(shape):
    """Weights of a sum over outputs: every output enters, and both sides can compute them exactly."""
    n = torch.arange(torch.Size(shape).numel(), dtype=torch.float64).reshape(shape)
    return (7 * n) % 13 - 6


def write(path, tensors):
    """Stores as f32; what was computed here in f64 is the more exact side of the comparison."""
    path = pathlib.Path(path)
    save_file({name: t.detach().float().contiguous() for name, t in tensors.items()}, path)
    print(f"{path}: {path.stat().st_size} bytes")
