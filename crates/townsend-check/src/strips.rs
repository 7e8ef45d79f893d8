//! Quantities of the strip hits in two views, read as `townsend readout` reads them but without the effects
//! of the electronics, which would only blur a difference.

use rayon::prelude::*;
use townsend_core::{Avalanche, Dataset, ElectronSet, Progress, Purpose, stream};
use townsend_sim::{Detector, Readout, SimError, StripHit, StripReadout, StripWorkspace};

use townsend_observables::Quantity;
use townsend_observables::random::uniform;

const PLACE: Purpose = Purpose::new("check strips place");
const BLOCK: usize = 256;
/// Number of quantities of each view.
const OF_VIEW: usize = 5;

/// The strips of the first shipped detector (650 µm, X and a stereo view), without threshold, saturation and
/// jitter. Its readout puts every event at the centre of the sheet: the check moves the avalanches itself, so
/// that it knows where they are.
struct Strips {
    readout: StripReadout,
    of: Readout,
}

impl Strips {
    fn new() -> Result<Self, SimError> {
        let mut detector = Detector::from_toml(Detector::shipped("cgem").unwrap_or_default())?;
        let missing = SimError::Missing { table: "readout", what: "which strips there are" };
        let mut of = detector.readout.clone().ok_or(missing)?;
        (of.threshold_fc, of.saturation_fc, of.jitter_ns, of.time_offset_ns) = (0.0, 1e9, 0.0, 0.0);
        (of.region_mm, of.center_mm) = (Some([0.0, 0.0]), [0.0, 0.0]);
        detector.readout = Some(of.clone());
        Ok(Self { readout: StripReadout::new(&detector)?, of })
    }

    /// The direction (x, z) along which a view measures.
    fn direction(&self, view: usize) -> [f64; 2] {
        let (sin, cos) = self.of.stereo_deg.to_radians().sin_cos();
        [[1.0, 0.0], [cos, sin]][view]
    }

    /// Charge (fC), number of strips, charge centroid and its residual (mm), and earliest time (ns), for X
    /// and then for V; NaN for a view without hits.
    fn read(
        &self,
        electrons: Avalanche<'_>,
        seed: u64,
        index: u64,
        at: &mut Workspace,
    ) -> [f64; 2 * OF_VIEW] {
        let mut random = stream(seed, PLACE, index);
        // A random position relative to the strips of both views.
        let width = 20.0 * self.of.pitch_um / 1000.0;
        let place = [0, 1].map(|_| width * (uniform(&mut random) - 0.5));
        let moved = |values: &[f32], by: f64| values.iter().map(|&v| (f64::from(v) + by) as f32).collect();
        (at.x, at.z) = (moved(electrons.x, place[0]), moved(electrons.z, place[1]));
        let electrons = Avalanche { x: &at.x, z: &at.z, t: electrons.t };
        at.hits.clear();
        self.readout.read(seed, index, electrons, &mut at.strips, &mut at.hits);
        let mut found = [f64::NAN; 2 * OF_VIEW];
        for (view, found) in found.as_chunks_mut::<OF_VIEW>().0.iter_mut().enumerate() {
            if let Some(values) = self.of_view(view, &at.hits, electrons, place) {
                *found = values;
            }
        }
        found
    }

    fn of_view(
        &self,
        view: usize,
        hits: &[StripHit],
        electrons: Avalanche<'_>,
        place: [f64; 2],
    ) -> Option<[f64; OF_VIEW]> {
        let hits = || hits.iter().filter(|hit| usize::from(hit.view) == view);
        let charge: f64 = hits().map(|hit| f64::from(hit.charge_fc)).sum();
        if charge <= 0.0 {
            return None;
        }
        let pitch = self.of.pitch_um / 1000.0;
        let middle = 0.5 * f64::from(self.of.strips[view]);
        let position = |hit: &StripHit| (f64::from(hit.strip) + 0.5 - middle) * pitch;
        let centroid = hits().map(|hit| f64::from(hit.charge_fc) * position(hit)).sum::<f64>() / charge;
        let [a, b] = self.direction(view);
        let n = electrons.len() as f64;
        let mean = |values: &[f32]| values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let of_electrons = a * mean(electrons.x) + b * mean(electrons.z);
        let start = a * place[0] + b * place[1];
        let earliest = hits().map(|hit| f64::from(hit.time_ns)).fold(f64::INFINITY, f64::min);
        Some([charge, hits().count() as f64, centroid - start, centroid - of_electrons, earliest])
    }
}

#[derive(Default)]
struct Workspace {
    strips: StripWorkspace,
    hits: Vec<StripHit>,
    x: Vec<f32>,
    z: Vec<f32>,
}

/// The quantities of the strip hits of every avalanche of electrons in mm and ns; an error says why there are
/// none.
pub(crate) fn strips(data: &Dataset, seed: u64, progress: &dyn Progress) -> Result<Vec<Quantity>, String> {
    let Dataset::Electrons(set) = data else {
        return Err("strips are read of electrons, not of counts".to_string());
    };
    if set.meta.units != ["mm", "mm", "ns"] {
        return Err(format!("strips need mm, mm and ns, not {}", set.meta.units.join(", ")));
    }
    let strips = Strips::new().map_err(|error| error.to_string())?;
    Ok(quantities(&rows(&strips, set, seed, progress), set, &strips))
}

fn rows(strips: &Strips, set: &ElectronSet, seed: u64, progress: &dyn Progress) -> Vec<[f64; 2 * OF_VIEW]> {
    let task = progress.task("strips", set.len() as u64);
    let mut rows = Vec::with_capacity(set.len());
    for start in (0..set.len()).step_by(BLOCK) {
        let block = start..(start + BLOCK).min(set.len());
        task.advance(block.len() as u64);
        let read = |at: &mut Workspace, index: usize| strips.read(set.get(index), seed, index as u64, at);
        rows.par_extend(block.into_par_iter().map_init(Workspace::default, read));
    }
    rows
}

fn quantities(rows: &[[f64; 2 * OF_VIEW]], set: &ElectronSet, strips: &Strips) -> Vec<Quantity> {
    let filled = set.iter().filter(|avalanche| !avalanche.is_empty()).count();
    let pitch = strips.of.pitch_um;
    let named = [
        ("charge", "fC", "charge on all strips of the view"),
        ("cluster_size", "", "strips of the view that are hit"),
        ("centroid", "mm", "charge centroid less where the avalanche's coordinates begin"),
        ("residual", "mm", "charge centroid less the mean of the electrons: what the strips add"),
        ("earliest_time", "ns", "time of the first electron in the view"),
    ];
    let views = [("x", "X".to_string()), ("v", format!("stereo ({}°)", strips.of.stereo_deg))];
    let one = |(view, k): (usize, usize)| {
        let (name, unit, definition) = named[k];
        let (short, long) = &views[view];
        let definition = format!("{long} strips, {pitch} µm: {definition}; no threshold and no jitter");
        let values = rows.iter().map(|row| row[view * OF_VIEW + k]);
        Quantity::new(&format!("{short}_{name}"), unit, &definition, values, filled)
    };
    (0..2).flat_map(|view| (0..OF_VIEW).map(move |k| (view, k))).map(one).collect()
}

#[cfg(test)]
mod tests;
