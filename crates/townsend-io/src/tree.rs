//! ROOT trees of electrons.
//!
//! Written: tree `avalanches`, one entry an avalanche, branches `avalanche` (its number) and `vector<float>`
//! x, z, t. Read: any tree with branches x, z, t, as vectors, as counted or fixed arrays (one entry an
//! avalanche), or flat (one entry an electron, with a branch that numbers the avalanche).

use std::path::Path;

use townsend_core::{Avalanche, Coordinate, ElectronSet, Meta, OutputFile, Progress};
use townsend_root::{
    Branch, BranchKind, BranchSpec, BranchType, BranchValue, Column, Key, RootFile, Tree, TreeWriter,
};

use crate::error::{Result, content};
use crate::histograms::{finish, provenance_of, start, unit_of};
use crate::reader::Loaded;

/// Name of the tree that townsend writes.
const TREE: &str = "avalanches";
/// Branches by which a flat tree may number its avalanches, best first.
const NUMBERS: [&str; 6] = ["avalanche", "event", "evt", "event_id", "eventID", "eventId"];

fn trees(file: &RootFile) -> impl Iterator<Item = &Key> {
    file.keys().filter(|key| matches!(key.class(), "TTree" | "TNtuple" | "TNtupleD"))
}

/// Whether each entry of the tree is one electron.
fn is_flat(tree: &Tree<'_>) -> bool {
    Coordinate::ALL.into_iter().all(|coordinate| {
        tree.branch(coordinate.name()).is_ok_and(|branch| matches!(branch.kind(), BranchKind::Scalar(_)))
    })
}

/// The first tree that has branches x, z and t.
pub(crate) fn find(file: &RootFile) -> Result<Option<&Key>> {
    for key in trees(file) {
        let tree = file.read_tree_at(key)?;
        let has =
            |coordinate: Coordinate| tree.branches().iter().any(|branch| branch.name() == coordinate.name());
        if Coordinate::ALL.into_iter().all(has) {
            return Ok(Some(key));
        }
    }
    Ok(None)
}

pub(crate) fn read(path: &Path, file: &RootFile, key: &Key, progress: &dyn Progress) -> Result<Loaded> {
    let tree = file.read_tree_at(key)?;
    let task = progress.task("reading", 3);
    let mut meta = Meta { provenance: provenance_of(file), ..Meta::default() };
    let mut columns = Vec::with_capacity(3);
    for (coordinate, unit) in Coordinate::ALL.into_iter().zip(&mut meta.units) {
        if let Some(given) = unit_of(tree.branch(coordinate.name())?.title()) {
            *unit = given;
        }
        columns.push(tree.read_column(coordinate.name())?);
        task.advance(1);
    }
    let mut warnings = Vec::new();
    let (offsets, kind, numbers) = if is_flat(&tree) {
        let (offsets, name) = flat_offsets(path, &tree, &mut warnings)?;
        (offsets, "one entry an electron", name)
    } else {
        (jagged_offsets(path, &tree, &columns)?, "one entry an avalanche", "avalanche")
    };
    let left: Vec<&str> = tree
        .branches()
        .iter()
        .map(Branch::name)
        .filter(|&name| name != numbers && Coordinate::ALL.iter().all(|coordinate| coordinate.name() != name))
        .collect();
    if !left.is_empty() {
        warnings.push(format!("branches that are not read: {}", left.join(", ")));
    }
    let mut values = columns.into_iter().map(|column| column.values.into_f32());
    let (x, z, t) = (
        values.next().unwrap_or_default(),
        values.next().unwrap_or_default(),
        values.next().unwrap_or_default(),
    );
    let set = ElectronSet::from_arrays(offsets, x, z, t, meta)
        .map_err(|what| content(path, format!("tree {}", tree.path()), what))?;
    Ok(Loaded { data: set.into(), layout: format!("ROOT tree {}, {kind}", tree.path()), warnings })
}

/// Reads the branch `name`; shape and values are those of [`read_array`](crate::read_array).
pub(crate) fn read_branch(path: &Path, name: &str) -> Result<(Vec<usize>, Vec<f64>)> {
    let file = RootFile::open(path)?;
    let electrons = find(&file)?;
    let key = match electrons {
        Some(key) => key,
        None => with_branch(&file, name)?.ok_or_else(|| content(path, name, "no tree has such a branch"))?,
    };
    let tree = file.read_tree_at(key)?;
    let object = format!("branch {}/{name}", tree.path());
    if matches!(tree.branch(name)?.kind(), BranchKind::Text) {
        return Err(content(path, object, "holds texts; numbers are wanted"));
    }
    let column = tree.read_column(name)?;
    if electrons.is_some() && is_flat(&tree) {
        let (offsets, _) = flat_offsets(path, &tree, &mut Vec::new())?;
        let values = of_avalanches(&column.values.to_f64(), &offsets).map_err(|avalanche| {
            let what = format!("has no one value for all electrons of avalanche {avalanche}");
            content(path, object, what)
        })?;
        return Ok((vec![values.len()], values));
    }
    let lengths = || column.offsets.windows(2).map(|pair| pair[1] - pair[0]);
    let each = lengths().next().unwrap_or(1);
    if let Some(entry) = lengths().position(|length| length != each) {
        let what = format!(
            "has {each} values in entry 0 and others in entry {entry}; as many everywhere are wanted"
        );
        return Err(content(path, object, what));
    }
    let shape = if each == 1 { vec![column.entries()] } else { vec![column.entries(), each as usize] };
    Ok((shape, column.values.to_f64()))
}

/// Whether a tree has the branch `name`.
pub(crate) fn has_branch(path: &Path, name: &str) -> Result<bool> {
    Ok(with_branch(&RootFile::open(path)?, name)?.is_some())
}

/// The first tree that has a branch of this name.
fn with_branch<'a>(file: &'a RootFile, name: &str) -> Result<Option<&'a Key>> {
    for key in trees(file) {
        if file.read_tree_at(key)?.branches().iter().any(|branch| branch.name() == name) {
            return Ok(Some(key));
        }
    }
    Ok(None)
}

/// The value that all electrons of an avalanche have, NaN if there are none; or the avalanche whose electrons
/// do not agree.
fn of_avalanches(values: &[f64], offsets: &[u64]) -> std::result::Result<Vec<f64>, usize> {
    let of_avalanche = |(index, pair): (usize, &[u64])| {
        let of_electrons = values.get(pair[0] as usize..pair[1] as usize).ok_or(index)?;
        let Some(first) = of_electrons.first() else { return Ok(f64::NAN) };
        let agree = of_electrons.iter().all(|value| value.to_bits() == first.to_bits());
        if agree { Ok(*first) } else { Err(index) }
    };
    offsets.windows(2).enumerate().map(of_avalanche).collect()
}

/// Where avalanches begin in the columns x, z and t, each of which has one entry per avalanche.
///
/// # Errors
/// If the columns differ in the number of electrons of an avalanche.
fn jagged_offsets(path: &Path, tree: &Tree<'_>, columns: &[Column]) -> Result<Vec<u64>> {
    let [x, rest @ ..] = columns else { return Ok(vec![0]) };
    for (column, coordinate) in rest.iter().zip([Coordinate::Z, Coordinate::T]) {
        let differs =
            x.offsets.windows(2).zip(column.offsets.windows(2)).position(|(a, b)| a[1] - a[0] != b[1] - b[0]);
        let entry = differs.or((x.entries() != column.entries()).then(|| x.entries().min(column.entries())));
        if let Some(entry) = entry {
            let what = format!(
                "entry {entry} does not hold as many {} as x; each electron needs x, z and t",
                coordinate.name()
            );
            return Err(content(path, format!("tree {}", tree.path()), what));
        }
    }
    Ok(x.offsets.clone())
}

/// Where avalanches begin in a tree with one entry per electron, and the branch that numbers the avalanches.
fn flat_offsets(
    path: &Path,
    tree: &Tree<'_>,
    warnings: &mut Vec<String>,
) -> Result<(Vec<u64>, &'static str)> {
    let object = format!("tree {}", tree.path());
    let Some(name) = NUMBERS.into_iter().find(|name| tree.branch(name).is_ok()) else {
        return Err(content(
            path,
            object,
            format!(
                "has one entry an electron and no branch that says which avalanche it belongs to\n  hint: add one called `{}`",
                NUMBERS[0]
            ),
        ));
    };
    let numbers = tree.read_column(name)?.values.to_f64();
    // A number that does not occur is an empty avalanche, which takes memory. A number above a million plus a
    // hundred times the number of electrons is therefore taken for a mistake.
    let most = 1e6 + 100.0 * numbers.len() as f64;
    let mut offsets = vec![0_u64];
    for (entry, &number) in numbers.iter().enumerate() {
        let current = (offsets.len() - 1) as f64;
        if number.fract() != 0.0 || number < current || number > most {
            return Err(content(
                path,
                object,
                format!(
                    "entry {entry} belongs to avalanche {number}, after {current}; numbers are whole, start near 0 and never decrease\n  hint: sort the tree by `{name}`",
                ),
            ));
        }
        while (offsets.len() as f64) <= number {
            offsets.push(entry as u64);
        }
    }
    if !numbers.is_empty() {
        offsets.push(numbers.len() as u64);
    }
    let empty = offsets.windows(2).filter(|pair| pair[0] == pair[1]).count();
    warnings.push(format!(
        "a flat tree does not show avalanches without electrons after the last; {empty} numbers of `{name}` without an entry were taken as empty"
    ));
    Ok((offsets, name))
}

/// Writes electrons as a tree with one entry per avalanche.
pub(crate) struct ElectronTreeWriter {
    output: OutputFile,
    tree: TreeWriter,
    number: i64,
}

impl ElectronTreeWriter {
    pub(crate) fn new(output: OutputFile, path: &Path, first: u64, meta: &Meta) -> Result<Self> {
        let root = start(&output, path, meta)?;
        let mut branches = vec![BranchSpec::new("avalanche", "number of the avalanche", BranchType::I64)];
        for (coordinate, unit) in Coordinate::ALL.into_iter().zip(&meta.units) {
            let title = format!("{} [{unit}]", coordinate.name());
            branches.push(BranchSpec::new(coordinate.name(), title, BranchType::VectorF32));
        }
        let tree = TreeWriter::new(root, TREE, "electrons at the anode", &branches)?;
        Ok(Self { output, tree, number: i64::try_from(first).unwrap_or(i64::MAX) })
    }

    pub(crate) fn push(&mut self, electrons: Avalanche<'_>) -> Result<()> {
        self.tree.fill(&[
            BranchValue::I64(self.number),
            BranchValue::VectorF32(electrons.x),
            BranchValue::VectorF32(electrons.z),
            BranchValue::VectorF32(electrons.t),
        ])?;
        self.number += 1;
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<()> {
        finish(self.output, self.tree.finish()?)
    }
}
