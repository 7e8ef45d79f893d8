//! Measures the electrons at the anode simulated per second, and what limits this number: random bits and
//! normal numbers.
//!
//! `cargo bench -p townsend-sim`; each line is the median of rounds in which all measurements take turns.

use std::hint::black_box;
use std::time::Instant;

use rand::Rng;
use rand_distr::{Distribution, StandardNormal};
use townsend_core::{ElectronBuffer, Purpose, fill_normal, stream};
use townsend_sim::{
    Detector, Drift, FoilStage, Lattice, RecordedFoil, RecordedStages, ResponseDraw, ResponseTable,
    Simulation, Stage, StageWorkspace, Start, Symmetry, Workspace,
};

const ROUNDS: usize = 9;
const NUMBERS: usize = 1 << 22;
const DETECTOR: &str = include_str!("../configs/detector/triple_gem_1t.toml");
/// Responses of each foil.
const RESPONSES: usize = 2000;

fn main() {
    // `cargo test --all-targets` starts benches as well, to see that they build.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let detector = Detector::from_toml(DETECTOR).expect("the detector that ships is valid");
    let simulation = Simulation::new(&detector).expect("the detector that ships is valid");
    let mut random = stream(1, Purpose::new("bench"), 0);
    let mut bytes = vec![0u8; 4 * NUMBERS];
    let mut numbers = vec![0f32; NUMBERS];
    let mut workspace = Workspace::default();
    let [smooth, rough] = [true, false].map(|smooth| {
        Simulation::new(&recorded(&detector, smooth)).expect("responses of a detector that ships are valid")
    });
    let mut rates: [Vec<f64>; 7] = Default::default();
    let threads = rayon::current_num_threads();
    for _ in 0..ROUNDS {
        let rate = |work: &mut dyn FnMut() -> usize| {
            let start = Instant::now();
            work() as f64 / start.elapsed().as_secs_f64() / 1e6
        };
        rates[0].push(rate(&mut || {
            random.fill_bytes(black_box(&mut bytes));
            NUMBERS
        }));
        rates[1].push(rate(&mut || {
            fill_normal(&mut random, black_box(&mut numbers));
            NUMBERS
        }));
        rates[2].push(rate(&mut || {
            for number in &mut numbers {
                *number = StandardNormal.sample(&mut random);
            }
            black_box(&mut numbers);
            NUMBERS
        }));
        rates[3].push(rate(&mut || {
            (0..1000)
                .map(|index| black_box(simulation.avalanche(1, index, Start::Cell, &mut workspace)).len())
                .sum()
        }));
        for (simulation, rates) in [&smooth, &rough].into_iter().zip(&mut rates[5..]) {
            rates.push(rate(&mut || {
                (0..1000)
                    .map(|index| black_box(simulation.avalanche(1, index, Start::Cell, &mut workspace)).len())
                    .sum()
            }));
        }
        rates[4].push(rate(&mut || {
            let sets = simulation.blocks(1, 0..4000, Start::Cell).map(black_box);
            sets.map(|set| set.column(townsend_core::Coordinate::X).len()).sum()
        }));
    }
    println!("| median of {ROUNDS} rounds | million a second |");
    println!("|---|---|");
    let names = [
        "32 random bits (`ChaCha8`), one core".to_string(),
        "normal numbers (`fill_normal`), one core".to_string(),
        "normal numbers (`rand_distr::StandardNormal`), one core".to_string(),
        "electrons at the anode (`triple_gem_1t.toml`), one core".to_string(),
        format!("the same, kept in memory, {threads} threads"),
        format!("electrons from {RESPONSES} recorded responses of each of these foils, one core"),
        "the same without smoothing".to_string(),
    ];
    for (name, rates) in names.iter().zip(&mut rates) {
        rates.sort_by(f64::total_cmp);
        println!("| {name} | {:.0} |", rates[ROUNDS / 2]);
    }
}

/// The detector with responses that its own foils gave in place of these, as many as a record has.
fn recorded(detector: &Detector, smooth: bool) -> Detector {
    let mut detector = detector.clone();
    let (lattice, direction) = (Lattice::new(0.14), detector.gas.direction());
    let mut random = stream(1, Purpose::new("responses"), 0);
    let (mut parent, mut children) = (ElectronBuffer::default(), ElectronBuffer::default());
    let (mut stages, mut tables) = (Vec::new(), Vec::new());
    for foil in std::mem::take(&mut detector.foils) {
        let stage = FoilStage::new(lattice, &foil, &Drift { direction, ..Drift::default() });
        let (mut starts, mut offsets, mut all) = (Vec::new(), vec![0], Vec::new());
        for _ in 0..RESPONSES {
            let (x, z) = lattice.point_in_cell(&mut random);
            parent.clear();
            children.clear();
            parent.push(x, z, 0.0);
            stage.respond(&parent, &mut children, &mut StageWorkspace::default(), &mut random);
            let um = |mm: f32| 1000.0 * f64::from(mm);
            starts.push([um(x), um(z)]);
            all.extend(
                (0..children.len()).map(|k| [um(children.x[k]), um(children.z[k]), children.t[k].into()]),
            );
            offsets.push(all.len());
        }
        tables.push(ResponseTable::new(&starts, &offsets, &all).expect("children of foils are finite"));
        stages.push(RecordedFoil {
            responses: "own".into(),
            gap_mm: foil.gap_mm,
            field_kv_cm: foil.field_kv_cm,
            included_mm: foil.included_mm,
            draw: ResponseDraw { smooth, symmetry: vec![Symmetry::ReflectZ], ..ResponseDraw::default() },
            counted: None,
        });
    }
    let mut recorded = RecordedStages::new("responses.npz", stages);
    recorded.load("responses.npz", Vec::new(), tables).expect("there are some for each stage");
    detector.recorded = Some(recorded);
    detector
}
