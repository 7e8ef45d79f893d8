//! Strips of a layer, read by their chips.

use rand::RngExt;
use townsend_core::Stream;

use crate::arrival::Arrived;
use crate::currents::Currents;
use crate::digit::{Digit, Digitised, Waveform};
use crate::digitiser::{Digitiser, SheetTables};
use crate::electronics::ELECTRON_FC;
use crate::primaries::Hit;

impl Digitiser {
    /// Reads the strips of a layer.
    pub(crate) fn read(
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
            let tables = match tables {
                SheetTables::Strips(tables) => tables,
                SheetTables::Pads(table) => {
                    self.read_pads([layer, sheet], table, hits, arrived, [first, last], digitised, random);
                    continue;
                }
            };
            // An electron ends on one view, which all have to know.
            let on: Vec<usize> = if one_by_one {
                arrived.x.iter().map(|_| self.view_of(random.random())).collect()
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
                        on[i] == view
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
        let strips = self.places[layer].sheets[sheet].1[view].strips;
        currents.cross_talk(self.crosstalk);
        for k in 0..currents.strips.len() {
            let strip = currents.first + k as i64;
            if currents.strips[k].is_empty() || !(0..i64::from(strips)).contains(&strip) {
                continue;
            }
            let hit = currents.hit_of(k).map(|hit| &hits[hit as usize]);
            let at = [layer, sheet, view, strip as usize];
            self.read_strip(at, hit, &mut currents.strips[k], start, digitised, random);
        }
    }

    /// Reads one strip or pad, whose current is in electrons.
    pub(crate) fn read_strip(
        &self,
        [layer, sheet, view, strip]: [usize; 4],
        hit: Option<&Hit>,
        current: &mut [f32],
        start: i64,
        digitised: &mut Digitised,
        random: &mut Stream,
    ) {
        /// Strips with less of the threshold, as the sum of all charge that moves, have no digit of it.
        const LEAST: f64 = 0.2;
        let place = &self.places[layer];
        let start_ns = start as f64 * self.bin_ns;
        let channel = &self.channels[layer][sheet][view][strip];
        if channel.dead {
            return;
        }
        for charge in current.iter_mut() {
            *charge *= ELECTRON_FC as f32 * channel.gain;
        }
        let moved: f32 = current.iter().map(|charge| charge.abs()).sum();
        if f64::from(moved) < LEAST * channel.threshold_fc {
            return;
        }
        self.front_end.add_noise(channel.noise_e, current, &mut Vec::new(), random);
        let readings = self.front_end.readings(current, start_ns, channel.threshold_fc);
        if self.keep_waveforms && !readings.is_empty() {
            digitised.waveforms.push(Waveform {
                digit: digitised.digits.len(),
                first_ns: start_ns + self.bin_ns,
                bin_ns: self.bin_ns,
                output_fc: self.front_end.waveform(current),
                current_fc: current.to_vec(),
            });
        }
        digitised.digits.extend(readings.into_iter().map(|read| Digit {
            layer: place.layer,
            sheet: place.sheets[sheet].0,
            view: view as u8,
            strip: strip as u32,
            charge_fc: read.charge_fc as f32,
            time_ns: read.time_ns as f32,
            adc: read.adc,
            tdc: read.tdc,
            hit: hit.map_or(Digit::NOISE, |hit| hit.number),
            track: hit.and_then(|hit| hit.track),
        }));
    }

    /// The view that an electron ends on, by a random number: the last views come first.
    fn view_of(&self, mut u: f64) -> usize {
        for (view, share) in self.share.iter().enumerate().skip(1).rev() {
            if u < *share {
                return view;
            }
            u -= share;
        }
        0
    }
}
