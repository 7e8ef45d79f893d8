//! From the hits of an event to its digits.

use rand::RngExt;
use rand_distr::{Distribution, Gamma, Poisson};
use townsend_core::{ElectronBuffer, Purpose, Stream, stream};
use townsend_sim::{
    Detector, Direction, Drift, FoilStage, Ionisation, SimError, Stage, StageWorkspace, Transport, displaced,
};

use crate::blur::Blur;
use crate::description::Digitisation;
use crate::electronics::{ELECTRON_FC, FrontEnd};
use crate::geometry::{Place, View};
use crate::induction::{Crossing, Induction};
use crate::primaries::{Hit, Ionise, Ioniser};
use crate::share::upper_share;

/// What a chip says of a strip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Digit {
    /// The layer.
    pub layer: u32,
    /// The sheet in the layer.
    pub sheet: u32,
    /// 0 for X, 1 for V.
    pub view: u8,
    /// The strip in its view, from 0.
    pub strip: u32,
    /// Charge, fC.
    pub charge_fc: f32,
    /// Time, ns.
    pub time_ns: f32,
    /// Word of the ADC.
    pub adc: u32,
    /// Word of the TDC, from time 0.
    pub tdc: u32,
    /// The number of the hit whose avalanches brought most of the charge.
    pub hit: u64,
}

/// The shaped signal of a strip that has a digit.
#[derive(Debug, Clone, PartialEq)]
pub struct Waveform {
    /// Which digit of the event.
    pub digit: usize,
    /// When the first bin ends, ns.
    pub first_ns: f64,
    /// Distance between values, ns.
    pub bin_ns: f64,
    /// Current into the amplifier, noise included, fC in each bin.
    pub current_fc: Vec<f32>,
    /// The output that is compared with the threshold, in fC of a charge that arrives at once.
    pub output_fc: Vec<f32>,
}

/// What an event's digits do not show.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Told {
    /// Hits whose middle is in no drift gap.
    pub hits_outside: u64,
    /// Hits of no length that were to free clusters along it.
    pub hits_without_length: u64,
    /// Electrons freed outside the drift gap of their layer.
    pub primaries_outside: u64,
    /// Electrons freed in drift gaps.
    pub primaries: u64,
    /// Electrons at the anode, those beside the strips included.
    pub electrons: f64,
    /// Electrons that come down beside the strips.
    pub beside: f64,
    /// Electrons that come after the window.
    pub late: f64,
}

impl std::ops::AddAssign for Told {
    fn add_assign(&mut self, other: Self) {
        self.hits_outside += other.hits_outside;
        self.hits_without_length += other.hits_without_length;
        self.primaries_outside += other.primaries_outside;
        self.primaries += other.primaries;
        self.electrons += other.electrons;
        self.beside += other.beside;
        self.late += other.late;
    }
}

/// The digits of an event.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Digitised {
    /// By layer, sheet, view and strip.
    pub digits: Vec<Digit>,
    /// Their signals, if they were asked for.
    pub waveforms: Vec<Waveform>,
    /// What digits do not show.
    pub told: Told,
}

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
    ioniser: Ioniser,
    drift: Transport,
    direction: Direction,
    upper: Vec<FoilStage>,
    last: FoilStage,
    places: Vec<Place>,
    bin_ns: f64,
    window_ns: f64,
    share: [f64; 2],
    front_end: FrontEnd,
    /// For each layer and sheet, its two views.
    views: Vec<Vec<[Tables; 2]>>,
    keep_waveforms: bool,
}

/// What is tabulated for a view of a sheet.
#[derive(Debug)]
struct Tables {
    blur: Blur,
    cells: Induction,
    electrons: Induction,
}

/// Families, or electrons, at the anode of a layer.
#[derive(Debug, Default)]
struct Arrived {
    x: Vec<f64>,
    z: Vec<f64>,
    t: Vec<f64>,
    weight: Vec<f32>,
    /// Place in the list of hits.
    hit: Vec<u32>,
    sheet: Vec<u32>,
}

/// Charge of one view, strip by strip; strips that nothing reaches have no bins.
struct Currents {
    first: i64,
    strips: Vec<Vec<f32>>,
    /// For each strip, how much of which hit ended there.
    from: Vec<Vec<(u32, f32)>>,
    bins: usize,
}

impl Digitiser {
    const PURPOSE: Purpose = Purpose::new("digitise");
    /// Places within a strip that are told apart: an eighth of a pitch is 80 µm, half the spread of a family.
    const PLACES: usize = 8;
    /// The same where electrons are followed one by one.
    const FINE_PLACES: usize = 64;
    /// Electrons in the drift gap whose avalanches are in memory at a time.
    const TOGETHER: usize = 256;

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
        let v_share = described.anode.x_share.map_or_else(|| upper_share(&described.anode), |x| 1.0 - x);
        let share = [1.0 - v_share, v_share];
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
            let of_sheet = |(_, views): &(u32, [View; 2])| {
                [tables(&views[0], share[0], stretch), tables(&views[1], share[1], stretch)]
            };
            place.sheets.iter().map(of_sheet).collect()
        };
        Ok(Self {
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
            front_end: FrontEnd::new(&described.electronics, described.time_bin_ns)?,
            keep_waveforms: false,
        })
    }

    /// The same, which keeps the signals of strips with digits.
    #[must_use]
    pub fn with_waveforms(mut self) -> Self {
        self.keep_waveforms = true;
        self
    }

    /// The part of the electrons that end on X strips, and on V strips.
    pub fn share(&self) -> [f64; 2] {
        self.share
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
            for (number, hit) in hits.iter().enumerate().filter(|(k, _)| layer_of[*k] == Some(layer)) {
                let told = &mut digitised.told;
                self.arrive(place, number as u32, hit, one_by_one, &mut arrived, told, &mut random);
            }
            if !arrived.x.is_empty() {
                self.read(layer, hits, &mut arrived, one_by_one, &mut digitised, &mut random);
            }
        }
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

    /// Follows the electrons of a hit to the anode, or to the families of the last foil.
    #[allow(clippy::too_many_arguments, reason = "each is a part of the event in hand")]
    fn arrive(
        &self,
        place: &Place,
        number: u32,
        hit: &Hit,
        one_by_one: bool,
        arrived: &mut Arrived,
        told: &mut Told,
        random: &mut Stream,
    ) {
        let mut points = Vec::new();
        self.ioniser.free(hit, &mut points, random);
        let no_length = self.ioniser.ionise == Ionise::Clusters && hit.length_mm() <= 0.0;
        told.hits_without_length += u64::from(no_length);
        for points in points.chunks(Self::TOGETHER) {
            let mut now = ElectronBuffer::default();
            self.drift(place, points, &mut now, told, random);
            self.multiply(place, number, hit.time_ns, one_by_one, now, arrived, told, random);
        }
    }

    /// Follows electrons to the first foil.
    fn drift(
        &self,
        place: &Place,
        points: &[[f64; 3]],
        now: &mut ElectronBuffer,
        told: &mut Told,
        random: &mut Stream,
    ) {
        for point in points {
            let [x, z, height] = place.local(*point);
            if !place.holds(height) {
                told.primaries_outside += 1;
                continue;
            }
            told.primaries += 1;
            let drift = Drift::over(height.max(0.0), &self.drift, self.direction);
            if drift.survival < 1.0 && random.random::<f64>() >= drift.survival {
                continue;
            }
            let [x, z, t] = displaced([x as f32, z as f32, 0.0], &drift, random);
            now.push(x, z, t);
        }
    }

    /// Follows electrons above the first foil to the anode, or to the families of the last foil.
    #[allow(clippy::too_many_arguments, reason = "each is a part of the event in hand")]
    fn multiply(
        &self,
        place: &Place,
        number: u32,
        time_ns: f64,
        one_by_one: bool,
        mut now: ElectronBuffer,
        arrived: &mut Arrived,
        told: &mut Told,
        random: &mut Stream,
    ) {
        let (mut next, mut workspace) = (ElectronBuffer::default(), StageWorkspace::default());
        for (stage, &stretch) in self.upper.iter().zip(&place.stretch) {
            next.clear();
            stage.respond(&now, &mut next, &mut workspace, random);
            next.x.iter_mut().for_each(|x| *x *= stretch);
            std::mem::swap(&mut now, &mut next);
        }
        next.clear();
        if one_by_one {
            self.last.respond(&now, &mut next, &mut workspace, random);
        } else {
            self.last.places(&now, &mut next, &mut workspace, random);
        }
        let stretch = f64::from(place.stretch.last().copied().unwrap_or(1.0));
        let [mean, theta] = self.last.spread().number;
        // A mean of 0 has no gamma distribution, and no electrons.
        let gamma = Gamma::new(1.0 + theta, mean.max(1e-12) / (1.0 + theta)).ok();
        for i in 0..next.len() {
            let weight = match &gamma {
                Some(gamma) if !one_by_one => gamma.sample(random) as f32,
                _ => 1.0,
            };
            told.electrons += f64::from(weight);
            let (x, z) = (place.turned(f64::from(next.x[i]) * stretch), f64::from(next.z[i]));
            let sheet = place.sheet(x, z);
            let across = place.sheets[sheet].1.map(|view| view.at(x, z));
            let on =
                |view: usize| (0.0..f64::from(place.sheets[sheet].1[view].strips)).contains(&across[view]);
            if !(place.z_mm[0]..=place.z_mm[1]).contains(&z) || !on(0) {
                told.beside += f64::from(weight);
                continue;
            }
            arrived.x.push(x);
            arrived.z.push(z);
            arrived.t.push(time_ns + f64::from(next.t[i]));
            arrived.weight.push(weight);
            arrived.hit.push(number);
            arrived.sheet.push(sheet as u32);
        }
    }

    /// Reads the strips of a layer.
    fn read(
        &self,
        layer: usize,
        hits: &[Hit],
        arrived: &mut Arrived,
        one_by_one: bool,
        digitised: &mut Digitised,
        random: &mut Stream,
    ) {
        let first = arrived.t.iter().copied().fold(f64::INFINITY, f64::min);
        for (weight, t) in arrived.weight.iter_mut().zip(&arrived.t) {
            if t - first > self.window_ns {
                digitised.told.late += f64::from(*weight);
                *weight = 0.0;
            }
        }
        let last = arrived.t.iter().copied().filter(|t| t - first <= self.window_ns).fold(first, f64::max);
        for (sheet, tables) in self.views[layer].iter().enumerate() {
            // An electron ends on one view, which both have to know.
            let on_v: Vec<bool> = if one_by_one {
                arrived.x.iter().map(|_| random.random::<f64>() < self.share[1]).collect()
            } else {
                Vec::new()
            };
            for (view, tables) in tables.iter().enumerate() {
                let before = tables.blur.bins_before + tables.cells.bins + self.front_end.bins_before();
                let start = (first / self.bin_ns).floor() as i64 - before as i64;
                let bins = ((last / self.bin_ns).floor() as i64 - start) as usize
                    + tables.blur.bins
                    + self.front_end.bins_after();
                let strips = &self.places[layer].sheets[sheet].1[view];
                let across: Vec<(usize, f64)> = (0..arrived.x.len())
                    .filter(|&i| arrived.sheet[i] as usize == sheet && arrived.weight[i] > 0.0)
                    .map(|i| (i, strips.at(arrived.x[i], arrived.z[i])))
                    .collect();
                let Some(mut currents) = Currents::for_all(&across, tables, bins) else { continue };
                if one_by_one {
                    currents.add_electrons(&across, arrived, &tables.electrons, start, self.bin_ns, |i| {
                        on_v[i] == (view == 1)
                    });
                } else {
                    let share = self.share[view];
                    currents.add_families(&across, arrived, tables, start, self.bin_ns, share, random);
                }
                self.read_view([layer, sheet, view], hits, &mut currents, start, digitised, random);
            }
        }
    }

    fn read_view(
        &self,
        [layer, sheet, view]: [usize; 3],
        hits: &[Hit],
        currents: &mut Currents,
        start: i64,
        digitised: &mut Digitised,
        random: &mut Stream,
    ) {
        /// Strips with less of the threshold, as the sum of all charge that moves, have no digit: noise alone
        /// is not simulated.
        const LEAST: f64 = 0.2;
        let place = &self.places[layer];
        let strips = place.sheets[sheet].1[view].strips;
        let start_ns = start as f64 * self.bin_ns;
        let mut scratch = Vec::new();
        for k in 0..currents.strips.len() {
            let strip = currents.first + k as i64;
            let hit = currents.hit_of(k);
            let current = &mut currents.strips[k];
            if current.is_empty() || !(0..i64::from(strips)).contains(&strip) {
                continue;
            }
            for charge in current.iter_mut() {
                *charge *= ELECTRON_FC as f32;
            }
            let moved: f32 = current.iter().map(|charge| charge.abs()).sum();
            if f64::from(moved) < LEAST * self.front_end.threshold_fc() {
                continue;
            }
            self.front_end.add_noise(current, &mut scratch, random);
            let Some(read) = self.front_end.read(current, start_ns) else { continue };
            if self.keep_waveforms {
                digitised.waveforms.push(Waveform {
                    digit: digitised.digits.len(),
                    first_ns: start_ns + self.bin_ns,
                    bin_ns: self.bin_ns,
                    output_fc: self.front_end.waveform(current),
                    current_fc: current.clone(),
                });
            }
            digitised.digits.push(Digit {
                layer: place.layer,
                sheet: place.sheets[sheet].0,
                view: view as u8,
                strip: strip as u32,
                charge_fc: read.charge_fc as f32,
                time_ns: read.time_ns as f32,
                adc: read.adc,
                tdc: read.tdc,
                hit: hit.map_or(0, |hit| hits[hit as usize].number),
            });
        }
    }
}

fn multiplies(at: &str) -> SimError {
    SimError::Condition {
        what: format!("electrons multiply in the gap of {at}, which digitisation does not follow"),
        remedy: "choose a lower field there, or a gas table without its Townsend coefficient".into(),
    }
}

impl Currents {
    /// Room for all that ends at these places across the strips; none if there is nothing.
    fn for_all(across: &[(usize, f64)], tables: &Tables, bins: usize) -> Option<Self> {
        let places = || across.iter().map(|&(_, at)| at);
        let (low, high) = (places().reduce(f64::min)?, places().reduce(f64::max)?);
        let margin = (tables.blur.places / tables.cells.places + 2 + tables.cells.neighbours) as i64;
        let first = low.floor() as i64 - margin;
        let n = (high.floor() as i64 + margin - first + 1) as usize;
        Some(Self { first, strips: vec![Vec::new(); n], from: vec![Vec::new(); n], bins })
    }

    /// Notes that as much of a hit ended on a strip.
    fn note(&mut self, strip: usize, hit: u32, weight: f32) {
        match self.from[strip].iter_mut().rev().find(|(known, _)| *known == hit) {
            Some((_, sum)) => *sum += weight,
            None => self.from[strip].push((hit, weight)),
        }
    }

    /// The hit of which most ended on a strip, or on the nearest one where any ended.
    fn hit_of(&self, strip: usize) -> Option<u32> {
        let most = |of: &[(u32, f32)]| of.iter().max_by(|a, b| a.1.total_cmp(&b.1)).map(|&(hit, _)| hit);
        let with_any = self.from.iter().enumerate().filter(|(_, of)| !of.is_empty());
        with_any.min_by_key(|(k, _)| k.abs_diff(strip)).and_then(|(_, of)| most(of))
    }

    /// Adds the current of so many electrons that end in one time bin at one place of a strip: of `own` on
    /// this view, and of `other` on the other.
    #[inline]
    fn induce(&mut self, table: &Induction, [strip, place, bin]: [usize; 3], own: f32, other: f32) {
        let (around, lags) = (2 * table.neighbours + 1, table.bins);
        let from = place * around * lags;
        let to = bin + 1 - lags;
        for k in 0..around {
            let row = &mut self.strips[strip + k - table.neighbours];
            if row.is_empty() {
                row.resize(self.bins, 0.0);
            }
            let at = from + k * lags..from + (k + 1) * lags;
            let of = table.own[at.clone()].iter().zip(&table.other[at]);
            for (charge, (a, b)) in row[to..=bin].iter_mut().zip(of) {
                *charge += own * a + other * b;
            }
        }
    }

    /// Every electron at its own place and time, shared by the two time bins whose middles it lies between.
    fn add_electrons(
        &mut self,
        across: &[(usize, f64)],
        arrived: &Arrived,
        table: &Induction,
        start: i64,
        bin_ns: f64,
        own_view: impl Fn(usize) -> bool,
    ) {
        for &(i, at) in across {
            let strip = (at.floor() as i64 - self.first) as usize;
            let place = ((at - at.floor()) * table.places as f64) as usize % table.places;
            let time = arrived.t[i] / bin_ns - 0.5 - start as f64;
            let (bin, part) = (time as usize, (time - time.floor()) as f32);
            let own = own_view(i);
            for (bin, part) in [(bin, 1.0 - part), (bin + 1, part)] {
                let [a, b] = if own { [part, 0.0] } else { [0.0, part] };
                self.induce(table, [strip, place, bin], a, b);
            }
            if own {
                self.note(strip, arrived.hit[i], 1.0);
            }
        }
    }

    /// Families in cells, spread over cells around, one Poisson number each.
    #[allow(clippy::too_many_arguments, reason = "each is a part of the event in hand")]
    fn add_families(
        &mut self,
        across: &[(usize, f64)],
        arrived: &Arrived,
        Tables { blur, cells, .. }: &Tables,
        start: i64,
        bin_ns: f64,
        share: f64,
        random: &mut Stream,
    ) {
        let (places, bins) = (cells.places, self.bins);
        let mut means = vec![Vec::new(); self.strips.len()];
        for &(i, at) in across {
            let strip = (at.floor() as i64 - self.first) as usize;
            let place = ((at - at.floor()) * places as f64) as usize % places;
            let bin = ((arrived.t[i] / bin_ns).floor() as i64 - start) as usize;
            let row: &mut Vec<f32> = &mut means[strip];
            if row.is_empty() {
                row.resize(places * bins, 0.0);
            }
            row[place * bins + bin] += arrived.weight[i];
            self.note(strip, arrived.hit[i], arrived.weight[i]);
        }
        let mut spread: Vec<Vec<f32>> = vec![Vec::new(); means.len()];
        for (strip, row) in means.iter().enumerate() {
            for (at, &mean) in row.iter().enumerate().filter(|(_, mean)| **mean > 0.0) {
                let (cell, bin) = (strip * places + at / bins, at % bins);
                for (k, weights) in blur.weights.chunks_exact(blur.bins).enumerate() {
                    let cell = cell + k - blur.places;
                    let row = &mut spread[cell / places];
                    if row.is_empty() {
                        row.resize(places * bins, 0.0);
                    }
                    let first = (cell % places) * bins + bin - blur.bins_before;
                    let into = &mut row[first..first + blur.bins];
                    into.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += mean * weight);
                }
            }
        }
        for (strip, row) in spread.iter().enumerate() {
            for (at, &mean) in row.iter().enumerate().filter(|(_, mean)| **mean > 1e-7) {
                let own = poisson(share * f64::from(mean), random);
                let other = (1.0 - share) as f32 * mean;
                self.induce(cells, [strip, at / bins, at % bins], own, other);
            }
        }
    }
}

/// A Poisson number: by adding up its probabilities where it is small.
fn poisson(mean: f64, random: &mut Stream) -> f32 {
    if mean > 12.0 {
        return Poisson::new(mean).map_or(0.0, |poisson| poisson.sample(random)) as f32;
    }
    let u: f64 = random.random();
    let mut probability = (-mean).exp();
    let (mut sum, mut n) = (probability, 0.0);
    while u >= sum && n < 100.0 {
        n += 1.0;
        probability *= mean / n;
        sum += probability;
    }
    n as f32
}
