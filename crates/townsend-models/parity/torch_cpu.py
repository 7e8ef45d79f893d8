#!/usr/bin/env python3
"""Install PyTorch for CPU use from PyPI, without the 3 GB of CUDA packages that its wheel asks for.

usage: torch_cpu.py VENV      (makes the virtual environment, or completes it; prints its interpreter)

The wheel is linked against CUDA libraries, so without them it does not load. Each library that the loader misses is
given a stand-in beside it: the right name, the symbol versions that are asked for, and functions that return an error.
CUDA then reports that there is no device, and everything on the CPU works. Needs gcc and binutils (Linux only).
"""

import pathlib
import re
import subprocess
import sys
import venv

TORCH = "torch==2.15.0"
# What `import torch` and the export scripts need of the wheel's requirements.
PACKAGES = ["numpy", "typing_extensions", "filelock", "sympy", "networkx", "jinja2", "fsspec", "safetensors"]
CUDA_NAME = re.compile(r"(cu|nccl|nv)")


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def missing_libraries(libraries):
    return {name for lib in libraries for name in re.findall(r"(\S+) => not found", output("ldd", str(lib)))}


def wanted_versions(libraries):
    """Symbol version -> the library that must define it (the `.gnu.version_r` sections)."""
    owner = {}
    for lib in libraries:
        current = None
        for line in output("readelf", "-VW", str(lib)).splitlines():
            if found := re.search(r"File: (\S+)", line):
                current = found[1]
            elif current and (found := re.search(r"Name: (\S+)\s+Flags", line)):
                owner[found[1]] = current
    return owner


def undefined_symbols(libraries):
    """(name, version or None) of every symbol that some library expects from another."""
    for lib in libraries:
        for line in output("nm", "-D", "--undefined-only", "--with-symbol-versions", str(lib)).splitlines():
            name, _, version = line.split()[-1].partition("@")
            yield name, version.lstrip("@") or None


def stand_in(folder, library, by_version):
    """Compiles `library` with functions that return 999 (CUDA's "unknown error")."""
    source, script = folder / "stand_in.c", folder / "stand_in.map"
    names = sorted(set().union(*by_version.values()))
    source.write_text("".join(f"int {name}(void) {{ return 999; }}\n" for name in names))
    nodes = [f"{v} {{ global: {' '.join(f'{n};' for n in sorted(s))} }};\n" for v, s in by_version.items() if v]
    script.write_text("".join(nodes))
    command = ["gcc", "-shared", "-fPIC", "-fno-builtin", "-w", str(source), f"-Wl,-soname,{library}"]
    if nodes:
        command.append(f"-Wl,--version-script={script}")
    subprocess.run([*command, "-o", str(folder / library)], check=True)
    source.unlink()
    script.unlink()


def complete(folder):
    libraries = sorted(folder.glob("*.so*"))
    missing = missing_libraries(libraries)
    if not missing:
        return
    owner = wanted_versions(libraries)
    stubs = {name: {} for name in missing}
    unversioned = set()
    for name, version in undefined_symbols(libraries):
        if version is None and CUDA_NAME.match(name):
            unversioned.add(name)
        elif owner.get(version) in missing:
            stubs[owner[version]].setdefault(version, set()).add(name)
    # Nothing says which library a symbol without a version comes from: each library without versions has them all.
    for library, by_version in stubs.items():
        stand_in(folder, library, by_version or {None: unversioned})


def main(path):
    python = path / "bin" / "python"
    if not python.exists():
        venv.create(path, with_pip=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", TORCH], check=True)
    subprocess.run([*pip, *PACKAGES], check=True)
    site = output(str(python), "-c", "import sysconfig; print(sysconfig.get_path('platlib'))").strip()
    complete(pathlib.Path(site) / "torch" / "lib")
    subprocess.run([str(python), "-c", "import torch; torch.ones(2).sum()"], check=True)
    print(python)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
