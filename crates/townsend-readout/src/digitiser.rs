//! From the hits of an event to its digits.

use townsend_core::{Purpose, stream};
use townsend_sim::{Detector, Direction, FoilStage, Ionisation, SimError, Transport};

use crate::arrival::Arrived;
use crate::blur::Blur;
use crate::channels::AllChannels;
use crate::description::Digitisation;
use crate::digit::Digitised;
use crate::electronics::FrontEnd;
use crate::geometry::{Place, View};
use crate::induction::{Crossing, Induction};
use crate::noise::NoiseHits;
use crate::pads::{PADS_REACH, PadCrossing, PadInduction};
use crate::primaries::{Hit, Ionise, Ioniser};

/// A detector made ready to digitise events.
///
/// Electrons that one electron becomes in the last foil, a family, are independent given their mean number,
/// place and time, and their number is a Poisson number with a gamma distributed mean
/// ([`townsend_sim::Polya`]). So the numbers of a family in cells of place and time are independent Poisson
/// numbers; those of all families too, and their means add. [`Digitiser::event`] draws the gamma distributed
/// mean of every family, adds its expectation to cells (an eighth of a pitch, a time bin), and draws one
/// Poisson number a cell: that is the distribution of counting the electrons one by one
/// ([`Digitiser::event_by_electrons`]) but for the size of the cells, and for electrons of the other view, of
/// which a strip sees a current that sums to zero: this one has its mean.
#[derive(Debug)]
pub struct Digitiser {
    pub(crate) ioniser: Ioniser,
    pub(crate) drift: Transport,
    pub(crate) direction: Direction,
    pub(crate) upper: Vec<FoilStage>,
    pub(crate) last: FoilStage,
    pub(crate) places: Vec<Place>,
    pub(crate) bin_ns: f64,
    pub(crate) window_ns: f64,
    /// The part of the electrons that end on each view.
    pub(crate) share: Vec<f64>,
    pub(crate) front_end: FrontEnd,
    /// For each layer and sheet, its views, or its pads.
    pub(crate) views: Vec<Vec<SheetTables>>,
    /// By layer, sheet, view and strip.
    pub(crate) channels: AllChannels,
    pub(crate) crosstalk: [f64; 2],
    pub(crate) noise_hits: Option<NoiseHits>,
    pub(crate) keep_waveforms: bool,
}

/// What is tabulated for a view of a sheet.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) blur: Blur,
    pub(crate) cells: Induction,
    pub(crate) electrons: Induction,
}

/// What is tabulated for a sheet.
#[derive(Debug)]
pub(crate) enum SheetTables {
    Strips(Vec<Tables>),
    Pads(PadInduction),
}

impl Digitiser {
    const PURPOSE: Purpose = Purpose::new("digitise");
    /// Places within a strip that are told apart: an eighth of a pitch is 80 µm, half the spread of a family.
    const PLACES: usize = 8;
    /// The same where electrons are followed one by one.
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
        let clusters = detector.track.as_ref().map(|track| {
            let upright = townsend_sim::Track { inclination_deg: 0.0, ..track.clone() };
            Ionisation::new(&upright, 1.0)
        });
        if ionise == Ionise::Clusters && clusters.is_none() {
            return Err(SimError::Missing { table: "track", what: "how a track ionises the gas" });
        }
        let share = described.shares()?;
        let places = Place::all(detector, &described);
        let induction = detector.transport(foil.field_kv_cm)?;
        let direction = detector.gas.direction();
        let spread = last.spread();
        let tables = |view: &View, share: f64, stretch: f32| {
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
            let place_mm = view.pitch_mm / Self::PLACES as f64;
            Tables {
                blur: Blur::new(&spread, [x * f64::from(stretch), z], place_mm, bin),
                cells: Induction::new(&crossing, Self::PLACES, near, bin),
                electrons: Induction::new(&crossing, Self::FINE_PLACES, near, bin),
            }
        };
        let of_layer = |place: &Place| {
            let stretch = place.stretch.last().copied().unwrap_or(1.0);
            let of_sheet = |((_, views), pads): (&(u32, Vec<View>), &bool)| {
                if *pads {
                    let [along_x, along_z] = direction.vector();
                    return SheetTables::Pads(PadInduction::new(&PadCrossing {
                        pitch_mm: [views[0].pitch_mm, views[1].pitch_mm],
                        gap_mm: foil.gap_mm,
                        velocity_mm_ns: induction.velocity_um_ns / 1000.0,
                        tangents: [along_x, along_z].map(|along| along * induction.lorentz_tangent()),
                        bin_ns: described.time_bin_ns,
                        reach_mm: foil.gap_mm * PADS_REACH,
                    }));
                }
                let of_view = |(view, share): (&View, &f64)| tables(view, *share, stretch);
                SheetTables::Strips(views.iter().zip(&share).map(of_view).collect())
            };
            place.sheets.iter().zip(&place.pads).map(of_sheet).collect()
        };
        let with_pads = places.iter().any(|place| place.pads.contains(&true));
        if with_pads && described.electronics.crosstalk.iter().any(|part| *part > 0.0) {
            return Err(SimError::Condition {
                what: "cross talk is that of neighbouring strips, and a sheet has pads".into(),
                remedy: "leave out digitisation.electronics.crosstalk".into(),
            });
        }
        let front_end = FrontEnd::new(&described.electronics, described.time_bin_ns)?;
        let channels = described.channels.all(&places, &front_end)?;
        let mut made = Self {
            ioniser: Ioniser { ionise, clusters, w_ev: described.w_ev, fano: described.fano },
            drift,
            direction,
            upper: stages,
            last,
            views: places.iter().map(of_layer).collect(),
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
            let mut arrived = Arrived::default();
            // Pads count electrons: a cell of two coordinates and time has few.
            let one_by_one = one_by_one || place.pads.contains(&true);
            for (number, hit) in hits.iter().enumerate().filter(|(k, _)| layer_of[*k] == Some(layer)) {
                let told = &mut digitised.told;
                self.arrive(place, number as u32, hit, one_by_one, &mut arrived, told, &mut random);
            }
            if !arrived.x.is_empty() {
                self.read(layer, hits, &mut arrived, one_by_one, &mut digitised, &mut random);
            }
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

fn multiplies(at: &str) -> SimError {
    SimError::Condition {
        what: format!("electrons multiply in the gap of {at}, which digitisation does not follow"),
        remedy: "choose a lower field there, or a gas table without its Townsend coefficient".into(),
    }
}
