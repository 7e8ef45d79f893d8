//! From the hits of an event to its digits.

use townsend_core::{Purpose, stream};
use townsend_sim::{Detector, Direction, Foil, FoilStage, Ionisation, Landing, SimError, Transport};

use crate::arrival::{Arrivals, OnItsWay};
use crate::channels::AllChannels;
use crate::description::Digitisation;
use crate::digit::Digitised;
use crate::electronics::FrontEnd;
use crate::geometry::{Place, View};
use crate::noise::NoiseHits;
use crate::pads::PadInduction;
use crate::primaries::{Hit, Ionise, Ioniser};
use crate::tables::{Below, Cloud, Tables, far};

/// A detector made ready to digitise events.
///
/// Electrons that one electron becomes in a foil, a family, are independent given their mean number, place
/// and time, and their number is a Poisson number with a gamma distributed mean ([`townsend_sim::Polya`]). So
/// the numbers of a family in cells of place and time are independent Poisson numbers; those of all families
/// too, and their means add. [`Digitiser::event`] uses this twice. It draws the gamma distributed mean of
/// every family of the foil before the last one, and adds up how many of its children are expected to found
/// families of the last foil in each cell (a quarter of a pitch, a time bin): children that have spread over
/// many holes are collected evenly ([`townsend_sim::Landing`]). The families in a cell are a Poisson number,
/// and the sum of their gamma distributed means is one gamma distributed number; spread over the cells
/// around, these are the means of the electrons in cells, Poisson numbers again. That is the distribution of
/// counting electrons one by one ([`Digitiser::event_by_electrons`]) but for the size of the cells; for
/// electrons of the other view, of which a strip sees a current that sums to zero and that is taken in
/// proportion to that of its own; and for what the two views have in common, which is the sum over each time
/// bin, and not the place too.
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

impl Digitiser {
    const PURPOSE: Purpose = Purpose::new("digitise");

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
        let cloud = before.map(|before| Cloud { before: before.clone(), landing });
        let below = Below {
            gap_mm: foil.gap_mm,
            transport: induction,
            direction: detector.gas.direction(),
            described: &described,
            last: last.spread(),
            cloud: cloud.as_ref(),
        };
        let of_layer = |place: &Place| {
            let at = |k: usize| place.stretch.iter().rev().nth(k).map_or(1.0, |&stretch| f64::from(stretch));
            let stretch = [at(1), at(0)];
            let of_sheet = |((_, views), pads): (&(u32, Vec<View>), &bool)| {
                let views = if *pads { &[] } else { &views[..] };
                let of_view = |(view, share): (&View, &f64)| Tables::new(&below, view, *share, stretch);
                views.iter().zip(&share).map(of_view).collect()
            };
            place.sheets.iter().zip(&place.pads).map(of_sheet).collect()
        };
        let pads = places.iter().map(|place| PadInduction::of(place, &below)).collect();
        let front_end = FrontEnd::new(&described.electronics, described.time_bin_ns)?;
        let channels = described.channels.all(&places, &front_end)?;
        let views = places.iter().map(of_layer).collect();
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
            pads,
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
