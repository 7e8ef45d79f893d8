//! What a tree writer takes and refuses.

use std::io::Cursor;

use townsend_root::{
    BranchSpec, BranchType, BranchValue, Compression, Error, RootFile, RootWriter, TreeWriter,
};

fn start(specs: &[BranchSpec]) -> Result<TreeWriter<Cursor<Vec<u8>>>, Error> {
    let root = RootWriter::new(Cursor::new(Vec::new()), "tree.root", Compression::default()).unwrap();
    TreeWriter::new(root, "sub/avalanche", "electrons", specs)
}

fn specs() -> [BranchSpec; 2] {
    [BranchSpec::new("x", "x [mm]", BranchType::VectorF32), BranchSpec::new("gain", "", BranchType::F64)]
}

fn finish(tree: TreeWriter<Cursor<Vec<u8>>>) -> Vec<u8> {
    tree.finish().unwrap().finish().unwrap().into_inner()
}

#[test]
fn the_same_entries_give_the_same_bytes() {
    let bytes = || {
        let mut tree = start(&specs()).unwrap();
        for entry in 0..2000 {
            let x: Vec<f32> = (0..entry % 300).map(|index| (index * entry) as f32).collect();
            tree.fill(&[BranchValue::VectorF32(&x), BranchValue::F64(f64::from(entry))]).unwrap();
        }
        finish(tree)
    };
    assert!(bytes() == bytes());
}

#[test]
fn values_keep_their_bits() {
    let mut tree = start(&specs()).unwrap();
    let strange = [f32::NAN, f32::NEG_INFINITY, -0.0, f32::MIN_POSITIVE / 2.0, f32::MAX];
    tree.fill(&[BranchValue::VectorF32(&strange), BranchValue::F64(f64::NAN)]).unwrap();
    let file = RootFile::from_bytes("tree.root", finish(tree)).unwrap();
    let tree = file.read_tree("sub/avalanche").unwrap();
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&tree.read_column("x").unwrap().values.into_f32()), bits(&strange));
    assert!(tree.read_column("gain").unwrap().values.to_f64()[0].is_nan());
}

#[test]
fn an_entry_of_other_values_is_refused_and_leaves_nothing() {
    let mut tree = start(&specs()).unwrap();
    let empty = BranchValue::VectorF32(&[]);
    for (values, told) in [
        (vec![], "entry 0 of avalanche: it has 0 values for 2 branches"),
        (vec![empty], "it has 1 values for 2 branches"),
        (vec![empty, BranchValue::F32(1.0)], "gain is of type F64, the value of F32"),
        (vec![BranchValue::I32(1), BranchValue::F64(1.0)], "x is of type VectorF32, the value of I32"),
    ] {
        let message = tree.fill(&values).unwrap_err().to_string();
        assert!(message.contains(told), "{message}");
    }
    assert_eq!(tree.entries(), 0);
    tree.fill(&[empty, BranchValue::F64(2.0)]).unwrap();
    let file = RootFile::from_bytes("tree.root", finish(tree)).unwrap();
    assert_eq!(file.read_tree("sub/avalanche").unwrap().entries(), 1);
}

#[test]
fn branches_need_names_of_their_own() {
    let spec = |name: &str| BranchSpec::new(name, "", BranchType::F32);
    for specs in [vec![], vec![spec("")], vec![spec("x"), spec("z"), spec("x")]] {
        assert!(matches!(start(&specs), Err(Error::Invalid { .. })), "{specs:?}");
    }
}
