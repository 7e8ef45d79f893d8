//! From the hits of an event to its digits.

use townsend_core::{Purpose, stream};
use townsend_sim::{
    Detector, Direction, FamilySpread, Foil, FoilStage, Ionisation, Landing, SimError, Transport,
};

use crate::arrival::{Arrivals, OnItsWay};
use crate::cells::PLACES;
use crate::channels::AllChannels;
use crate::description::Digitisation;
use crate::digit::Digitised;
use crate::electronics::FrontEnd;
use crate::geometry::{Place, View};
use crate::induction::{Crossing, Induction};
use crate::kernel::{Kernel, Moments};
use crate::noise::NoiseHits;
use crate::pads::PadInduction;
use crate::primaries::{Hit, Ionise, Ioniser};

/// A detector made ready to digitise events.
///
/// Electrons that one electron becomes in a foil, a family, are independent given their mean number, place and
/// time, and their number is a Poisson number with a gamma distributed mean ([`townsend_sim::Polya`]). So the
/// numbers of a family in cells of place and time are independent Poisson numbers; those of all families too,
/// and their means add. [`Digitiser::event`] uses this twice. It draws the gamma distributed mean of every
/// family of the foil before the last one, and adds up how many of its children are expected to found families
/// of the last foil in each cell (a quarter of a pitch, a time bin): children that have spread over many holes
/// are collected evenly ([`townsend_sim::Landing`]). The families in a cell are a Poisson number, and the sum
/// of their gamma distributed means is one gamma distributed number; spread over the cells around, these are
/// the means of the electrons in cells, Poisson numbers again. That is the distribution of counting electrons
/// one by one ([`Digitiser::event_by_electrons`]) but for the size of the cells; for electrons of the other
/// view, of which a strip sees a current that sums to zero and that is taken in proportion to that of its own;
/// and for what the two views have in common, which is the sum over each time bin, and not the place too.
///
/// Near the edges of sheets, in detectors of one foil, and where the children of a family do not spread over
/// holes, the families of the last foil are drawn one by one, and only their electrons summed.
#[derive(Debug)]
pub struct Digitiser {
    pub(crate) ioniser: Ioniser,
    pub(crate) drift: Transport,
    pub(crate) direction: Direction,
    pub(crate) upper: Vec<FoilStage>,
    pub(crate) last: FoilStage,
    pub(crate) cloud: Option<Cloud>,
    /// For each foil, by how much families are away from electrons on average, x and z, mm.
    pub(crate) moved: Vec<[f64; 2]>,
    /// Nothing ends farther than this from where it is expected above the first foil, mm.
    pub(crate) far_mm: f64,
    pub(crate) places: Vec<Place>,
    pub(crate) bin_ns: f64,
    pub(crate) window_ns: f64,
    /// The part of the electrons that end on each view.
    pub(crate) share: Vec<f64>,
    pub(crate) front_end: FrontEnd,
    /// For each layer and sheet, its views; none for pads.
    pub(crate) views: Vec<Vec<Vec<Tables>>>,
    /// For each layer and sheet, its pads if it has them.
    pub(crate) pads: Vec<Vec<Option<PadInduction>>>,
    /// By layer, sheet, view and strip.
    pub(crate) channels: AllChannels,
    pub(crate) crosstalk: [f64; 2],
    pub(crate) noise_hits: Option<NoiseHits>,
    pub(crate) keep_waveforms: bool,
}

/// What becomes of a family of the foil before the last one, if the last foil collects its children evenly.
#[derive(Debug)]
pub(crate) struct Cloud {
    pub(crate) before: FoilStage,
    pub(crate) landing: Landing,
}

/// What is tabulated for a view of a sheet.
#[derive(Debug)]
pub(crate) struct Tables {
    /// From the place of a family of the foil before the last one to those of its children's families.
    pub(crate) of_cloud: Kernel,
    /// From the cell of a family of the last foil to its electrons.
    pub(crate) of_child: Kernel,
    /// The same from its place.
    pub(crate) of_family: Kernel,
    pub(crate) cells: Induction,
    pub(crate) electrons: Induction,
}

impl Tables {
    /// Rows of cells that electrons may be away from where a cloud or a family is.
    pub(crate) fn rows(&self) -> usize {
        (self.of_cloud.places + self.of_child.places).max(self.of_family.places) + 6
    }

    /// The same in time bins, before and after.
    pub(crate) fn bins(&self) -> [usize; 2] {
        let before = |of: &Kernel| of.bins_before + 1;
        let after = |of: &Kernel| of.bins - of.bins_before + 1;
        let most = |of: &dyn Fn(&Kernel) -> usize| {
            (of(&self.of_cloud) + of(&self.of_child)).max(of(&self.of_family))
        };
        [most(&before), most(&after)]
    }
}

impl Digitiser {
    const PURPOSE: Purpose = Purpose::new("digitise");
    /// Places within a strip that are told apart where electrons are followed one by one.
    const FINE_PLACES: usize = 64;

    /// Prepares a detector.
    ///
    /// # Errors
    /// Its `[digitisation]` table, or `[track]` for clusters, is missing or wrong; a field is outside the gas
    /// table; or electrons multiply in a gap.
    pub fn new(detector: &Detector, ionise: Ionise) -> Result<Self, SimError> {
        let described = Digitisation::of(detector)?;
        let drift = detector.transport(detector.drift.field_kv_cm)?;
        if drift.townsend_per_mm > 0.0 {
            return Err(multiplies("drift"));
        }
        let (stages, last, foil) = stages(detector)?;
        let clusters = clusters(detector, ionise)?;
        let share = described.shares()?;
        let places = Place::all(detector, &described);
        let induction = detector.transport(foil.field_kv_cm)?;
        let direction = detector.gas.direction();
        let landings: Vec<Landing> = stages.iter().chain([&last]).map(FoilStage::landing).collect();
        let landing = landings[stages.len()];
        let before = stages.last().filter(|before| {
            let [x, z] =
                before.spread().along.map(|of| of.map(|by| f64::from(by).powi(2)).iter().sum::<f64>());
            last.unevenness(x.min(z).sqrt()) < UNEVEN
        });
        let tables = |view: &View, share: f64, stretch: [f64; 2]| {
            let [x, z] = view.across;
            let [along_x, along_z] = direction.vector();
            let crossing = Crossing {
                pitch_mm: view.pitch_mm,
                gap_mm: foil.gap_mm,
                velocity_mm_ns: induction.velocity_um_ns / 1000.0,
                tangent: induction.lorentz_tangent() * (x * along_x + z * along_z),
                share,
            };
            let (bin, near) = (described.time_bin_ns, described.neighbours);
            let place_mm = view.pitch_mm / PLACES as f64;
            // Places below a foil are stretched on the way to the next one.
            let [before_last, last_one] = stretch;
            let moments = |covariance: [[f64; 3]; 3], stretch: f64| {
                Moments::of(&covariance, [x * stretch, z], place_mm, bin)
            };
            let child =
                moments(covariance(&last.spread()), last_one).with_late([last.spread().late, [0.0; 2]], bin);
            let cloud = before.map(|before| {
                let spread = before.spread();
                let [children, landed] = [
                    moments(covariance(&spread), before_last * last_one),
                    moments(landing.covariance, last_one),
                ];
                Moments {
                    place: children.place + landed.place,
                    time: children.time + landed.time,
                    covariance: children.covariance + landed.covariance,
                    late: [[0.0; 2]; 2],
                }
                .with_late([spread.late, landing.late], bin)
            });
            let cloud = cloud.unwrap_or(child).behind_cells();
            // What of the time is narrower than cells is made up for by the next step.
            let narrow = child.time + cloud.time.min(0.0);
            Tables {
                of_cloud: Kernel::new(&cloud),
                of_child: Kernel::new(&Moments { time: narrow, ..child }),
                of_family: Kernel::new(&child.behind_cells()),
                cells: Induction::new(&crossing, PLACES, near, bin),
                electrons: Induction::new(&crossing, Self::FINE_PLACES, near, bin),
            }
        };
        let of_layer = |place: &Place| {
            let at = |k: usize| place.stretch.iter().rev().nth(k).map_or(1.0, |&stretch| f64::from(stretch));
            let stretch = [at(1), at(0)];
            let of_sheet = |((_, views), pads): (&(u32, Vec<View>), &bool)| {
                let views = if *pads { &[] } else { &views[..] };
                views.iter().zip(&share).map(|(view, share)| tables(view, *share, stretch)).collect()
            };
            place.sheets.iter().zip(&place.pads).map(of_sheet).collect()
        };
        let pads = |place: &Place| {
            PadInduction::of(place, &induction, direction, foil.gap_mm, described.time_bin_ns)
        };
        let front_end = FrontEnd::new(&described.electronics, described.time_bin_ns)?;
        let channels = described.channels.all(&places, &front_end)?;
        let views = places.iter().map(of_layer).collect();
        let cloud = before.map(|before| Cloud { before: before.clone(), landing });
        let far_mm = far(stages.iter().chain([&last]), &landings);
        let mut made = Self {
            ioniser: Ioniser { ionise, clusters, w_ev: described.w_ev, fano: described.fano },
            drift,
            direction,
            cloud,
            moved: landings.iter().map(|landing| [landing.mean[0], landing.mean[1]]).collect(),
            far_mm,
            upper: stages,
            last,
            views,
            pads: places.iter().map(pads).collect(),
            places,
            bin_ns: described.time_bin_ns,
            window_ns: described.window_ns,
            share,
            front_end,
            channels,
            crosstalk: described.electronics.crosstalk,
            noise_hits: None,
            keep_waveforms: false,
        };
        made.noise_hits = described.electronics.noise_hits.then(|| NoiseHits::of(&made));
        Ok(made)
    }

    /// The same, which keeps the signals of strips with digits.
    #[must_use]
    pub fn with_waveforms(mut self) -> Self {
        self.keep_waveforms = true;
        self
    }

    /// The part of the electrons that end on the strips of each view: X and V where there are two.
    pub fn share(&self) -> &[f64] {
        &self.share
    }

    /// The threshold of its chip, fC of a charge that arrives at once.
    pub fn threshold_fc(&self) -> f64 {
        self.front_end.threshold_fc()
    }

    /// Its layers.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// The digits of an event, a function of seed, index and hits: by families.
    pub fn event(&self, seed: u64, index: u64, hits: &[Hit]) -> Digitised {
        self.digitise(seed, index, hits, false)
    }

    /// The digits of an event of the same distribution, by counting every electron: slower by far, and what
    /// the other way is tested against.
    pub fn event_by_electrons(&self, seed: u64, index: u64, hits: &[Hit]) -> Digitised {
        self.digitise(seed, index, hits, true)
    }

    fn digitise(&self, seed: u64, index: u64, hits: &[Hit], one_by_one: bool) -> Digitised {
        let mut random = stream(seed, Self::PURPOSE, index);
        let mut digitised = Digitised::default();
        let layer_of: Vec<Option<usize>> = hits.iter().map(|hit| self.layer_of(hit)).collect();
        digitised.told.hits_outside = layer_of.iter().filter(|layer| layer.is_none()).count() as u64;
        for (layer, place) in self.places.iter().enumerate() {
            let mut arrived = Arrivals::default();
            let one_by_one = one_by_one || place.counts_electrons();
            let (mut group, mut before): (u32, Option<&Hit>) = (0, None);
            for (number, hit) in hits.iter().enumerate().filter(|(k, _)| layer_of[*k] == Some(layer)) {
                group += u32::from(before.replace(hit).is_some_and(|before| before.is_far_from(hit)));
                let on_its_way = OnItsWay { place, number: number as u32, group, hit, one_by_one };
                self.arrive(on_its_way, &mut arrived, &mut digitised.told, &mut random);
            }
            self.read(layer, hits, &mut arrived, &mut digitised, &mut random);
        }
        self.add_noise_hits(seed, index, &mut digitised);
        digitised
    }

    /// The layer of a hit: the one that it names, or the one whose drift gap holds its middle.
    fn layer_of(&self, hit: &Hit) -> Option<usize> {
        let middle = hit.at(0.5);
        let holds = |place: &Place| {
            let [_, z, height] = place.local(middle);
            place.holds(height) && (place.z_mm[0]..=place.z_mm[1]).contains(&z)
        };
        self.places
            .iter()
            .position(|place| hit.layer.map_or_else(|| holds(place), |layer| place.layer == layer))
    }
}

/// The foils before the last one, and the last one.
fn stages(detector: &Detector) -> Result<(Vec<FoilStage>, FoilStage, &Foil), SimError> {
    let mut stages = (0..detector.foils.len())
        .map(|k| FoilStage::of(detector, k)?.ok_or_else(|| multiplies(&format!("foils[{k}]"))))
        .collect::<Result<Vec<_>, _>>()?;
    let (Some(last), Some(foil)) = (stages.pop(), detector.foils.last()) else {
        return Err(SimError::Missing { table: "foils", what: "what multiplies electrons" });
    };
    if foil.saturation > 0.0 {
        return Err(SimError::Condition {
            what: "the gain of the last foil saturates, so that its families depend on each other".into(),
            remedy: "leave out its saturation: digitisation draws family by family".into(),
        });
    }
    Ok((stages, last, foil))
}

/// How tracks ionise the gas, if the detector says it; refused if it does not and has to.
fn clusters(detector: &Detector, ionise: Ionise) -> Result<Option<Ionisation>, SimError> {
    let clusters = detector.track.as_ref().map(|track| {
        let upright = townsend_sim::Track { inclination_deg: 0.0, ..track.clone() };
        Ionisation::new(&upright, 1.0)
    });
    if ionise == Ionise::Clusters && clusters.is_none() {
        return Err(SimError::Missing { table: "track", what: "how a track ionises the gas" });
    }
    Ok(clusters)
}

fn multiplies(at: &str) -> SimError {
    SimError::Condition {
        what: format!("electrons multiply in the gap of {at}, which digitisation does not follow"),
        remedy: "choose a lower field there, or a gas table without its Townsend coefficient".into(),
    }
}

/// The largest relative change of the density of a family's children from hole to hole for which the last
/// foil is said to collect them evenly.
const UNEVEN: f64 = 1e-3;

/// Covariance of place (x, z, mm) and time (ns) of the children of a family.
fn covariance(spread: &FamilySpread) -> [[f64; 3]; 3] {
    let [x, z] = spread.along;
    let by = [x, z, [0.0, 0.0, spread.sigma_t_ns]].map(|row| row.map(f64::from));
    [0, 1, 2].map(|k| [0, 1, 2].map(|l| (0..3).map(|n| by[k][n] * by[l][n]).sum()))
}

/// Seven standard deviations of how far from its expected place an electron ends, mm.
fn far<'a>(stages: impl Iterator<Item = &'a FoilStage>, landings: &[Landing]) -> f64 {
    let of = |(stage, landing): (&FoilStage, &Landing)| {
        let children = covariance(&stage.spread());
        (0..2).map(|k| children[k][k] + landing.covariance[k][k]).fold(0.0, f64::max)
    };
    7.0 * stages.zip(landings).map(of).sum::<f64>().sqrt()
}
