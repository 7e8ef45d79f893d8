import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypedDict, Union, final, overload

import numpy as np
import numpy.typing as npt
from typing_extensions import TypeAlias

_Path: TypeAlias = Union[str, os.PathLike[str]]
_Files: TypeAlias = Union[_Path, Sequence[_Path]]
# A dict, a text in TOML of several lines, or a file.
_Described: TypeAlias = Union[Mapping[str, Any], _Path]
# Called with the task, steps done, all steps, and a message.
_Progress: TypeAlias = Callable[[str, int, int, str], object]
_Start: TypeAlias = Union[Literal["cell", "drift", "track"], str, tuple[float, float]]
_Condition: TypeAlias = Union[float, Sequence[float]]
_Format: TypeAlias = Literal["root", "rntuple", "npz", "text", "parquet"]
# Avalanches; names of files; an Awkward array; a dict with offsets, x, z and t.
_AvalanchesLike: TypeAlias = Any

__all__ = [
    "AccessError",
    "Avalanche",
    "Avalanches",
    "Check",
    "DefectError",
    "Error",
    "ExistsError",
    "FileError",
    "FolderError",
    "KindError",
    "MissingPackageError",
    "Model",
    "NotFoundError",
    "OutOfMemoryError",
    "UsageError",
    "Warning",
    "__build__",
    "__version__",
    "check",
    "config",
    "configs",
    "detector",
    "detectors",
    "gain",
    "inspect",
    "load",
    "observables",
    "read",
    "readout",
    "set_threads",
    "simulate",
    "threads",
    "train",
]

__build__: str
"""Version, commit and features of the library, in one line."""
__version__: str

class Error(Exception): ...
class UsageError(Error, ValueError): ...
class KindError(UsageError, AttributeError): ...
class FileError(Error, OSError): ...
class NotFoundError(FileError, FileNotFoundError): ...
class ExistsError(FileError, FileExistsError): ...
class AccessError(FileError, PermissionError): ...
class FolderError(FileError, IsADirectoryError): ...
class OutOfMemoryError(Error, MemoryError): ...
class DefectError(Error, RuntimeError): ...
class MissingPackageError(Error, ImportError): ...
class Warning(UserWarning): ...

@final
class Avalanche:
    @property
    def x(self) -> npt.NDArray[np.float32]: ...
    @property
    def z(self) -> npt.NDArray[np.float32]: ...
    @property
    def t(self) -> npt.NDArray[np.float32]: ...
    @property
    def cells(self) -> npt.NDArray[np.uint32]: ...
    @property
    def counts(self) -> npt.NDArray[np.uint32]: ...
    def dense(self) -> npt.NDArray[np.float32]: ...
    def __len__(self) -> int: ...

@final
class Avalanches:
    @staticmethod
    def from_arrays(
        offsets: npt.ArrayLike,
        x: npt.ArrayLike | None = None,
        z: npt.ArrayLike | None = None,
        t: npt.ArrayLike | None = None,
        *,
        cells: npt.ArrayLike | None = None,
        counts: npt.ArrayLike | None = None,
        grid: _Described | None = None,
        units: str | Mapping[str, str] | None = None,
        source: str = "",
    ) -> Avalanches: ...
    @staticmethod
    def from_awkward(
        array: Any, *, units: str | Mapping[str, str] | None = None, source: str = ""
    ) -> Avalanches: ...
    @property
    def offsets(self) -> npt.NDArray[np.int64]: ...
    @property
    def x(self) -> npt.NDArray[np.float32]: ...
    @property
    def z(self) -> npt.NDArray[np.float32]: ...
    @property
    def t(self) -> npt.NDArray[np.float32]: ...
    @property
    def cells(self) -> npt.NDArray[np.uint32]: ...
    @property
    def counts(self) -> npt.NDArray[np.uint32]: ...
    @property
    def electrons(self) -> npt.NDArray[np.int64]: ...
    @property
    def grid(self) -> dict[str, Any] | None: ...
    @property
    def units(self) -> tuple[str, str, str]: ...
    @property
    def provenance(self) -> dict[str, Any]: ...
    @property
    def digest(self) -> str: ...
    def to_counts(
        self, dims: int | None = None, grid: _Described | None = None, *, threads: int | None = None
    ) -> Avalanches: ...
    def dense(
        self,
        dims: int | None = None,
        grid: _Described | None = None,
        *,
        flow: bool = True,
        threads: int | None = None,
    ) -> npt.NDArray[np.float32]: ...
    def to_awkward(self) -> Any: ...
    def to_hist(self, dims: int | None = None, grid: _Described | None = None) -> Any: ...
    def save(
        self,
        path: _Path,
        *,
        force: bool = False,
        format: Literal["root", "rntuple", "npz"] | None = None,
        dims: int | Sequence[int] | None = None,
        progress: _Progress | None = None,
    ) -> None: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Avalanche]: ...
    @overload
    def __getitem__(self, key: int | np.integer[Any], /) -> Avalanche: ...
    @overload
    def __getitem__(self, key: slice | Sequence[int] | Sequence[bool] | npt.NDArray[Any], /) -> Avalanches: ...
    def __eq__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

class _Known(TypedDict):
    values: list[float]
    ranges: list[list[float]]

@final
class Model:
    def generate(
        self,
        n: int,
        seed: int = 1,
        first: int = 0,
        start: _Start | None = None,
        *,
        shard: str | None = None,
        progress: _Progress | None = None,
        threads: int | None = None,
        **conditions: _Condition,
    ) -> Avalanches: ...
    def avalanche(
        self, index: int, seed: int = 1, start: _Start | None = None, **conditions: _Condition
    ) -> Avalanche: ...
    def reconstruct(
        self,
        real: _AvalanchesLike,
        seed: int = 1,
        *,
        progress: _Progress | None = None,
        threads: int | None = None,
    ) -> Avalanches: ...
    def held_back(self, data: _AvalanchesLike) -> dict[str, npt.NDArray[np.int64]]: ...
    def export(self, path: _Path, *, force: bool = False) -> dict[str, Any]: ...
    def weights(self) -> bytes | None: ...
    def history(self) -> list[dict[str, Any]]: ...
    def describe(self) -> dict[str, Any]: ...
    @property
    def family(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def units(self) -> tuple[str, str, str]: ...
    @property
    def grid(self) -> dict[str, Any] | None: ...
    @property
    def conditions(self) -> dict[str, _Known]: ...
    @property
    def starts(self) -> bool: ...
    @property
    def encoder(self) -> bool: ...
    @property
    def data(self) -> dict[str, Any] | None: ...
    @property
    def training(self) -> dict[str, Any] | None: ...

@final
class Check:
    def to_dict(self) -> dict[str, Any]: ...
    @property
    def verdict(self) -> Literal["green", "grey", "amber", "red"] | None: ...
    @property
    def warnings(self) -> list[str]: ...
    def exceeds(self, metric: str, limit: float) -> list[tuple[str, float | None, float]]: ...
    def page(self) -> str: ...
    def save(self, folder: _Path, *, force: bool = False) -> None: ...

def load(path: _Path) -> Model: ...
def simulate(
    n: int,
    detector: _Described | None = None,
    seed: int = 1,
    first: int = 0,
    start: _Start | None = None,
    *,
    progress: _Progress | None = None,
    threads: int | None = None,
    **conditions: _Condition,
) -> Avalanches: ...
def read(
    files: _Files,
    *,
    columns: str | Mapping[str, str] | None = None,
    units: str | Mapping[str, str] | None = None,
    where: str | None = None,
    tree: str | None = None,
    histograms: str | None = None,
    dims: int | None = None,
    round: bool = False,
    format: _Format | None = None,
    progress: _Progress | None = None,
    threads: int | None = None,
) -> Avalanches: ...
def inspect(
    avalanches: _AvalanchesLike, *, progress: _Progress | None = None, threads: int | None = None
) -> dict[str, Any]: ...
@overload
def observables(
    avalanches: _AvalanchesLike,
    *,
    frame: Literal[False] = False,
    seed: int = 1,
    progress: _Progress | None = None,
    threads: int | None = None,
) -> dict[str, npt.NDArray[np.float64]]: ...
@overload
def observables(
    avalanches: _AvalanchesLike,
    *,
    frame: bool,
    seed: int = 1,
    progress: _Progress | None = None,
    threads: int | None = None,
) -> Any: ...
def gain(
    detector: _Described | None = None,
    scan: Sequence[float] | npt.NDArray[Any] | None = None,
    n: int = 5000,
    seed: int = 1,
    *,
    progress: _Progress | None = None,
    threads: int | None = None,
    **conditions: _Condition,
) -> dict[str, Any]: ...
def readout(
    avalanches: _AvalanchesLike,
    detector: _Described | None = None,
    seed: int = 1,
    *,
    progress: _Progress | None = None,
    threads: int | None = None,
) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]: ...
def train(
    config: _Described,
    data: _AvalanchesLike,
    run: _Path | None = None,
    *,
    set: Mapping[str, Any] | None = None,
    seed: int | None = None,
    resume: bool = False,
    force: bool = False,
    progress: _Progress | None = None,
    threads: int | None = None,
) -> Model: ...
def check(
    real: _AvalanchesLike,
    generated: _AvalanchesLike,
    *,
    seed: int = 1,
    classifiers: bool = True,
    training: _AvalanchesLike | None = None,
    conditions: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]] | None = None,
    thresholds: _Described | None = None,
    grid: _Described | None = None,
    halvings: int | None = None,
    resamples: int | None = None,
    progress: _Progress | None = None,
    threads: int | None = None,
) -> Check: ...
def detectors() -> list[str]: ...
def detector(name: str) -> str: ...
def configs() -> list[str]: ...
def config(name: str) -> str: ...
def set_threads(threads: int | None) -> None: ...
def threads() -> int: ...
