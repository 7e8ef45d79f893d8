"""The reference GAN and InfoGAN in PyTorch, with the tensor names of this crate."""

import torch
from reference import CONVOLUTION, NORM, TRANSPOSED
from torch import nn

NORM_VECTORS = nn.BatchNorm1d


class Generator(nn.Module):
    """Linear layers, transposed convolutions from maps of `start` cells an axis. `norm`: none, after (the linear layers' ReLU) or before
    (every activation)."""

    def __init__(self, dims, noise, linear, channels, kernels, strides, norm="none", slope=0.0, start=2):
        super().__init__()
        self.dims, self.norm, self.slope, self.start = dims, norm, slope, start
        self.linears, self.convolutions = len(linear), len(channels)
        for i, (inputs, outputs) in enumerate(zip([noise] + linear, linear)):
            setattr(self, f"linear{i + 1}", nn.Linear(inputs, outputs))
            if norm != "none":
                setattr(self, f"linear{i + 1}_norm", NORM_VECTORS(outputs))
        self.maps = linear[-1] // start**dims
        for i, (inputs, outputs) in enumerate(zip([self.maps] + channels, channels)):
            setattr(self, f"conv{i + 1}", TRANSPOSED[dims](inputs, outputs, kernels[i], strides[i]))
            if norm == "before" and i + 1 < self.convolutions:
                setattr(self, f"norm{i + 1}", NORM[dims](outputs))

    def forward(self, x):
        for i in range(1, self.linears + 1):
            x = getattr(self, f"linear{i}")(x)
            if self.norm == "before":
                x = getattr(self, f"linear{i}_norm")(x)
            x = nn.functional.leaky_relu(x, self.slope)
            if self.norm == "after":
                x = getattr(self, f"linear{i}_norm")(x)
        x = x.reshape(len(x), self.maps, *[self.start] * self.dims)
        for i in range(1, self.convolutions + 1):
            x = getattr(self, f"conv{i}")(x)
            if i < self.convolutions:
                if self.norm == "before":
                    x = getattr(self, f"norm{i}")(x)
                x = nn.functional.leaky_relu(x, self.slope)
        return x.flatten(1)


class Minibatch(nn.Module):
    """Salimans et al. 2016: how close each avalanche is to the others of the batch."""

    def __init__(self, features, rows, columns):
        super().__init__()
        self.rows, self.columns = rows, columns
        self.T = nn.Parameter(torch.randn(features, rows * columns))

    def forward(self, features):
        m = (features @ self.T).reshape(len(features), self.rows, self.columns)
        distance = (m[:, None] - m[None]).abs().sum(3)
        return torch.exp(-distance).sum(1) - 1


class Critic(nn.Module):
    def __init__(self, dims, features, channels, kernels, strides, linear, leak, minibatch=None, observables=0):
        super().__init__()
        self.dims, self.leak, self.convolutions, self.linears = dims, leak, len(channels), len(linear)
        for i, (inputs, outputs) in enumerate(zip([1] + channels, channels)):
            setattr(self, f"conv{i + 1}", CONVOLUTION[dims](inputs, outputs, kernels[i], strides[i]))
        self.minibatch = Minibatch(features, *minibatch) if minibatch else None
        width = features + (minibatch[0] if minibatch else 0) + observables
        for i, outputs in enumerate(linear):
            setattr(self, f"linear{i + 1}", nn.Linear(width, outputs))
            width = outputs
        self.score1 = nn.Linear(width, 1)

    def forward(self, cells, observables=None):
        x = cells
        for i in range(1, self.convolutions + 1):
            x = nn.functional.leaky_relu(getattr(self, f"conv{i}")(x), self.leak)
        x = x.flatten(1)
        if self.minibatch:
            x = torch.cat([x, self.minibatch(x)], 1)
        if observables is not None:
            x = torch.cat([x, observables], 1)
        for i in range(1, self.linears + 1):
            x = nn.functional.leaky_relu(getattr(self, f"linear{i}")(x), self.leak)
        return self.score1(x)

    def penalty(self, cells, observables=None):
        """Gulrajani et al. 2017, by a second backward pass."""
        inputs = [t.detach().requires_grad_() for t in (cells, observables) if t is not None]
        score = self(*inputs)
        gradients = torch.autograd.grad(score.sum(), inputs, create_graph=True)
        gradient = torch.cat([g.flatten(1) for g in gradients], 1)
        return gradient, ((((gradient**2).sum(1) + 1e-12).sqrt() - 1) ** 2).mean()


class InfoCritic(nn.Module):
    def __init__(self, dims, features, channels, kernels, strides, classes, codes, leak=0.2, padding=1):
        super().__init__()
        self.leak, self.convolutions = leak, len(channels)
        for i, (inputs, outputs) in enumerate(zip([1] + channels, channels)):
            layer = CONVOLUTION[dims](inputs, outputs, kernels[i], strides[i], padding)
            setattr(self, f"conv{i + 1}", layer)
            if i > 0:
                setattr(self, f"norm{i + 1}", NORM[dims](outputs))
        self.validity = nn.Linear(features, 1)
        # `class` is a word of the language.
        setattr(self, "class", nn.Linear(features, classes))
        self.code = nn.Linear(features, codes)

    def forward(self, x):
        for i in range(1, self.convolutions + 1):
            x = getattr(self, f"conv{i}")(x)
            if i > 1:
                x = getattr(self, f"norm{i}")(x)
            x = nn.functional.leaky_relu(x, self.leak)
        x = x.flatten(1)
        return self.validity(x), getattr(self, "class")(x), self.code(x)


# The reference's kernels and strides with few channels; in 3D on 32 cells an axis.
GENERATOR = {
    2: dict(noise=7, linear=[9, 8, 12], channels=[4, 3, 3, 2, 1], kernels=[3, 3, 5, 5, 4], strides=[1, 2, 2, 2, 2], norm="after"),
    3: dict(noise=7, linear=[9, 24], channels=[3, 2, 1], kernels=[3, 5, 6], strides=[1, 3, 2]),
}
CRITIC = {
    2: dict(features=5, channels=[2, 3, 4, 5], kernels=[6, 5, 5, 4], strides=[2, 3, 3, 1], linear=[7, 6]),
    3: dict(features=32, channels=[2, 3, 4], kernels=[6, 5, 3], strides=[2, 3, 1], linear=[]),
}
MINIBATCH = {2: (48, 16), 3: (64, 16)}
INFO_GENERATOR = dict(noise=9, linear=[11, 24], channels=[3, 2, 1], kernels=[3, 5, 6], strides=[1, 3, 2], norm="before", slope=0.2)
# 32 → 16 → 8 → 4.
INFO_CRITIC = dict(features=4 * 64, channels=[2, 3, 4], kernels=[3, 3, 3], strides=[2, 2, 2], classes=4, codes=2)
CELLS = {2: 92, 3: 32}
