//! How fast texts of numbers are read, beside `numpy.loadtxt` on the same files in the same run:
//! `cargo bench -p townsend-io --bench text` (needs the Python environment of the tests).

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use townsend_core::Silent;
use townsend_io::{ReadOptions, read};

const ROWS: usize = 400_000;

const MAKE: &str = "
import sys, numpy as np
folder, rows = sys.argv[1], int(sys.argv[2])
random = np.random.default_rng(1)
table = np.column_stack([np.arange(rows) // 400, random.normal(size=(rows, 3)) * [0.3, 0.3, 5] + [0, 0, 175]])
np.savetxt(folder + '/short.csv', table, fmt=['%d', '%.6g', '%.6g', '%.6g'], delimiter=',', header='event,x,z,t', comments='')
np.savetxt(folder + '/blank.txt', table, fmt='%.9g')
np.savetxt(folder + '/savetxt.txt', table)
";

const LOAD: &str = "
import sys, time, numpy as np
name = sys.argv[1]
start = time.perf_counter()
np.loadtxt(name, delimiter=',' if name.endswith('csv') else None, skiprows=int(name.endswith('csv')))
print(time.perf_counter() - start)
";

fn python(code: &str, arguments: &[&str]) -> String {
    let made = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/python/bin/python");
    let python = std::env::var_os("TOWNSEND_PYTHON").map_or(made, PathBuf::from);
    let output = Command::new(python).args(["-c", code]).args(arguments).output().expect("Python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("Python prints UTF-8")
}

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder_name = folder.path().display().to_string();
    python(MAKE, &[&folder_name, &ROWS.to_string()]);
    let columns = "event=1,x=2,z=3,t=4".parse().expect("names of columns");
    let options = ReadOptions { columns, ..ReadOptions::default() };
    for name in ["short.csv", "blank.txt", "savetxt.txt"] {
        let path = folder.path().join(name);
        let megabytes = path.metadata().expect("a file").len() as f64 / 1e6;
        let numpy: f64 =
            python(LOAD, &[&path.display().to_string()]).trim().parse().expect("Python prints seconds");
        let time = || {
            let start = Instant::now();
            let loaded = read(&path, &options, &Silent).expect("a table");
            assert_eq!(loaded.data.len(), ROWS / 400);
            start.elapsed().as_secs_f64()
        };
        let best = (0..5).map(|_| time()).fold(f64::INFINITY, f64::min);
        println!(
            "{name}: {megabytes:.1} MB, {:.1} ms ({:.0} MB/s); numpy.loadtxt {:.0} ms, {:.1} times as long",
            1e3 * best,
            megabytes / best,
            1e3 * numpy,
            numpy / best
        );
    }
}
