//! Writes a ROOT file of many avalanches of 6,000 electrons, which no compression makes smaller, to see what
//! reading it takes:
//!
//! ```sh
//! cargo run --release -p townsend-io --example large -- tree 10 large.root
//! ```
//!
//! The second word is `tree` or `rntuple`, of vectors, or `rows`, a tree of one entry an electron; the
//! third is the size in GB.

use std::error::Error;
use std::fs::File;
use std::io::BufWriter;

use townsend_root::{
    BranchSpec, BranchType, BranchValue, Compression, RNTupleWriter, RootWriter, TreeWriter,
};

/// Electrons of an avalanche.
const ELECTRONS: usize = 6000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, gigabytes, path] = &arguments[..] else {
        return Err("say which: tree, rntuple or rows; how many GB; and the file".into());
    };
    let file = BufWriter::with_capacity(1 << 20, File::create_new(path)?);
    let root = RootWriter::new(file, path, Compression::None)?;
    let rows = kind == "rows";
    let branch = if rows { BranchType::F32 } else { BranchType::VectorF32 };
    let mut branches = vec![BranchSpec::new("event", "number of the avalanche", BranchType::I64)];
    branches.extend(
        ["x", "z", "t"]
            .map(|name| BranchSpec::new(name, if name == "t" { "t [ns]" } else { "in mm" }, branch)),
    );
    let bytes_each = if rows { 20 } else { 12 } * ELECTRONS;
    let avalanches = (gigabytes.parse::<f64>()? * 1e9 / bytes_each as f64).round() as i64;
    let mut random = 1_u64;
    let mut avalanche = || {
        let mut columns = [const { Vec::new() }; 3];
        for (column, (middle, width)) in columns.iter_mut().zip([(0.0, 1.0), (0.0, 1.0), (175.0, 30.0)]) {
            column.extend((0..ELECTRONS).map(|_| {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                middle + width * ((random >> 40) as f32 / (1 << 24) as f32 - 0.5)
            }));
        }
        columns
    };
    let numbered = |number, [x, z, t]: [BranchValue<'static>; 3]| [BranchValue::I64(number), x, z, t];
    let root = if kind == "rntuple" {
        let mut ntuple = RNTupleWriter::new(root, "electrons", "", &branches)?;
        for number in 0..avalanches {
            let [x, z, t] = avalanche();
            let lists = [&x, &z, &t].map(|list| BranchValue::VectorF32(list));
            ntuple.fill(&[BranchValue::I64(number), lists[0], lists[1], lists[2]])?;
        }
        ntuple.finish()?
    } else {
        let mut tree = TreeWriter::new(root, "electrons", "", &branches)?;
        for number in 0..avalanches {
            let [x, z, t] = avalanche();
            if rows {
                for electron in 0..ELECTRONS {
                    let values = [x[electron], z[electron], t[electron]].map(BranchValue::F32);
                    tree.fill(&numbered(number, values))?;
                }
            } else {
                let lists = [&x, &z, &t].map(|list| BranchValue::VectorF32(list));
                tree.fill(&[BranchValue::I64(number), lists[0], lists[1], lists[2]])?;
            }
        }
        tree.finish()?
    };
    root.finish()?.into_inner()?;
    println!("{avalanches} avalanches of {ELECTRONS} electrons in {path}");
    Ok(())
}
