//! What an RNTuple writer takes and refuses.

use std::io::Cursor;

use townsend_root::{
    BranchSpec, BranchType, BranchValue, Compression, Error, RNTupleWriter, RootFile, RootWriter,
};

fn start(name: &str, specs: &[BranchSpec]) -> Result<RNTupleWriter<Cursor<Vec<u8>>>, Error> {
    let root = RootWriter::new(Cursor::new(Vec::new()), "ntuple.root", Compression::default()).unwrap();
    RNTupleWriter::new(root, name, "electrons", specs)
}

fn specs() -> [BranchSpec; 2] {
    [BranchSpec::new("x", "x [mm]", BranchType::VectorF32), BranchSpec::new("gain", "", BranchType::F64)]
}

fn finish(ntuple: RNTupleWriter<Cursor<Vec<u8>>>) -> Vec<u8> {
    ntuple.finish().unwrap().finish().unwrap().into_inner()
}

#[test]
fn the_same_entries_give_the_same_bytes() {
    let bytes = || {
        let mut ntuple = start("sub/avalanches", &specs()).unwrap();
        for entry in 0..2000 {
            let x: Vec<f32> = (0..entry % 300).map(|index| (index * entry) as f32).collect();
            ntuple.fill(&[BranchValue::VectorF32(&x), BranchValue::F64(f64::from(entry))]).unwrap();
        }
        finish(ntuple)
    };
    assert!(bytes() == bytes());
}

#[test]
fn values_keep_their_bits() {
    let mut ntuple = start("sub/avalanches", &specs()).unwrap();
    let strange = [f32::NAN, f32::NEG_INFINITY, -0.0, f32::MIN_POSITIVE / 2.0, f32::MAX];
    ntuple.fill(&[BranchValue::VectorF32(&strange), BranchValue::F64(f64::NAN)]).unwrap();
    let file = RootFile::from_bytes("ntuple.root", finish(ntuple)).unwrap();
    let ntuple = file.read_rntuple("sub/avalanches").unwrap();
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&ntuple.read_column("x").unwrap().values.into_f32()), bits(&strange));
    assert!(ntuple.read_column("gain").unwrap().values.to_f64()[0].is_nan());
    assert_eq!((ntuple.description(), ntuple.path()), ("electrons", "sub/avalanches"));
    let described: Vec<_> =
        ntuple.fields().iter().map(|field| (field.name(), field.description(), field.type_name())).collect();
    assert_eq!(described, [("x", "x [mm]", "std::vector<float>"), ("gain", "", "double")]);
}

#[test]
fn an_entry_of_other_values_is_refused_and_leaves_nothing() {
    let mut ntuple = start("avalanches", &specs()).unwrap();
    let empty = BranchValue::VectorF32(&[]);
    for (values, told) in [
        (vec![], "entry 0 of avalanches: it has 0 values for 2 branches"),
        (vec![empty], "it has 1 values for 2 branches"),
        (vec![empty, BranchValue::F32(1.0)], "gain is of type F64, the value of F32"),
        (vec![BranchValue::I32(1), BranchValue::F64(1.0)], "x is of type VectorF32, the value of I32"),
    ] {
        let message = ntuple.fill(&values).unwrap_err().to_string();
        assert!(message.contains(told), "{message}");
    }
    assert_eq!(ntuple.entries(), 0);
    ntuple.fill(&[empty, BranchValue::F64(2.0)]).unwrap();
    let file = RootFile::from_bytes("ntuple.root", finish(ntuple)).unwrap();
    assert_eq!(file.read_rntuple("avalanches").unwrap().entries(), 1);
}

#[test]
fn names_that_the_format_does_not_allow_are_refused() {
    let spec = |name: &str| BranchSpec::new(name, "", BranchType::F32);
    for specs in [vec![], vec![spec("")], vec![spec("x"), spec("z"), spec("x")], vec![spec("x.y")]] {
        assert!(matches!(start("avalanches", &specs), Err(Error::Invalid { .. })), "{specs:?}");
    }
    for name in ["x y", "x/y", "x\\y", "x\n"] {
        let message = start("avalanches", &[spec(name)]).err().unwrap().to_string();
        assert!(message.contains("avalanches") && message.contains("needs a name without"), "{message}");
    }
    for name in ["", "sub/", "my avalanches", "avalanches.1"] {
        assert!(matches!(start(name, &specs()), Err(Error::Invalid { .. })), "{name}");
    }
}

#[test]
fn trees_and_ntuples_share_a_file() {
    let mut ntuple = start("avalanches", &specs()).unwrap();
    ntuple.fill(&[BranchValue::VectorF32(&[1.0]), BranchValue::F64(2.0)]).unwrap();
    let root = ntuple.finish().unwrap();
    let mut tree = townsend_root::TreeWriter::new(root, "tree", "", &specs()).unwrap();
    tree.fill(&[BranchValue::VectorF32(&[3.0]), BranchValue::F64(4.0)]).unwrap();
    let bytes = tree.finish().unwrap().finish().unwrap().into_inner();
    let file = RootFile::from_bytes("both.root", bytes).unwrap();
    let classes: Vec<_> = file.keys().map(|key| (key.name(), key.class(), key.title())).collect();
    assert_eq!(classes, [("avalanches", "ROOT::RNTuple", "electrons"), ("tree", "TTree", "")]);
    assert_eq!(file.read_rntuple("avalanches").unwrap().read_column("gain").unwrap().values.to_f64(), [2.0]);
    assert_eq!(file.read_tree("tree").unwrap().read_column("x").unwrap().values.to_f64(), [3.0]);
}
