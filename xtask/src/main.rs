//! Tasks of this repository; `cargo xtask help` lists them.

mod book;
mod comments;
mod coverage;
mod damage;
mod dist;
mod environment;
mod header;
mod install;
mod layout;
mod packages;
mod peers;
mod supply;
mod tasks;
mod validate;
mod wheel;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask TASK

  check    format, lints, documentation and unit tests: minutes, needs nothing but Rust and a C compiler
  check-gpu
           type-checks the features `wgpu` and `cuda`, which no test covers; needs neither a GPU nor its drivers
  test     check, and every other test; first sets up Python with real ROOT, uproot, NumPy and SciPy under target/
  parity   the full-size networks against PyTorch (set up under target/): outputs and gradients
  bench    simulated electrons a second; reading against real ROOT and uproot
  bench-peers
           decoding and training steps beside PyTorch and ONNX Runtime (set up under target/), at one and two threads;
           --isa avx2 holds townsend and PyTorch to AVX2; --rounds 15, and --only NAME for a part of them
  coverage lines of the code that the tests enter, by crate, for those that build without Burn (sets up cargo-llvm-cov)
  dist     what is handed out, into target/dist: the static program, the wheel, the library for C and C++, the list
           of all crates in it, checksums; the first two are built for old systems too, so it takes most of an hour
  docs     the documentation as a book, into target/book/html (sets up mdBook under target/)
  header   writes the header of the C interface, townsend.h, anew from the code
  install  --prefix DIR: the library for C and C++ with headers, CMake package and pkg-config file; --glibc 2.17
           builds it for older systems (set up under target/), --profile NAME otherwise than with `release`
  man DIR  manual pages, one a verb
  mutants  changes the code in one place after the other, in the files that results hang on, and lists the changes
           that no test finds (sets up cargo-mutants); most of an hour
  neon     tests of the kernels for NEON under an emulator (Debian: qemu-user, gcc-aarch64-linux-gnu,
           libc6-dev-arm64-cross; rustup fetches the standard library)
  sanitize the unsafe code of the kernels under the address sanitizer and Miri (needs a nightly toolchain with Miri)
  soak     damaged files by the million; the long commands of the documentation; two hours of everything in one
           process; files of 10 GB in 1 GB of memory; fuzzing of each reader with cargo-fuzz, half an hour (needs a
           nightly toolchain and cargo-fuzz)
  supply [--offline]
           licences, sources and advisories of all crates (sets up cargo-deny), and the oldest compiler that will do
  validate [--program FILE] [--no-classifiers] [--accept]
           every figure of physics, distances and speed on one page, target/validation/index.html, and what moved by
           more than its error since the last release (docs/validation.json): then it fails
  wheel [PYTHON ...]
           the Python module as a wheel for glibc 2.17 and Python 3.9 on, into target/wheels; tried with these interpreters
";

fn main() -> ExitCode {
    let task = std::env::args().nth(1).unwrap_or_default();
    let done = match task.as_str() {
        "check" => tasks::check(),
        "coverage" => coverage::coverage(),
        "check-gpu" => tasks::check_gpu(),
        "test" => tasks::test(),
        "mutants" => coverage::mutants(),
        "parity" => tasks::parity(),
        "bench" => tasks::bench(),
        "bench-peers" => peers::bench(std::env::args().skip(2)),
        "dist" => dist::dist(),
        "docs" => book::docs(),
        "header" => header::write(),
        "install" => install::install(std::env::args_os().skip(2)),
        "man" => tasks::man(std::env::args_os().nth(2)),
        "neon" => tasks::neon(),
        "sanitize" => damage::sanitize(),
        "soak" => tasks::soak(),
        "supply" => supply::supply(&std::env::args().skip(2).collect::<Vec<_>>()),
        "validate" => validate::validate(&std::env::args().skip(2).collect::<Vec<_>>()),
        "wheel" => wheel::wheel(&std::env::args().skip(2).collect::<Vec<_>>()),
        "" | "help" | "--help" | "-h" => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        other => Err(anyhow::anyhow!("there is no task `{other}`\n\n{HELP}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
