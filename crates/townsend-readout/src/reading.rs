//! Strips of a layer, read by their chips.

use rand::RngExt;
use townsend_core::Stream;

use crate::arrival::Arrivals;
use crate::by_families::Span;
use crate::cells::{PLACES, TOGETHER};
use crate::chips::ELECTRON_FC;
use crate::currents::Currents;
use crate::digit::{Digit, Digitised, Told, Waveform};
use crate::digitiser::Digitiser;
use crate::electronics::Reading;
use crate::primaries::Hit;

impl Digitiser {
    /// Reads the strips of a layer.
    pub(crate) fn read(
        &self,
        layer: usize,
        hits: &[Hit],
        arrived: &mut Arrivals,
        digitised: &mut Digitised,
        random: &mut Stream,
    ) {
        let Some(span) = self.span(layer, arrived, &mut digitised.told) else { return };
        for (sheet, tables) in self.views[layer].iter().enumerate() {
            let electrons = arrived.electrons.on(sheet);
            if let Some(pads) = &self.pads[layer][sheet] {
                self.read_pads(
                    [layer, sheet],
                    pads,
                    hits,
                    (&arrived.electrons, &electrons),
                    span,
                    digitised,
                    random,
                );
                continue;
            }
            // An electron ends on one view, which all have to know.
            let on: Vec<usize> = electrons.iter().map(|_| self.view_of(random.random())).collect();
            let here = [&arrived.families, &arrived.clouds].map(|of| of.on(sheet));
            let expected = self.expected([layer, sheet], arrived, &here, span, random);
            for (view, tables) in tables.iter().enumerate() {
                let lags = tables.cells.bins.max(tables.electrons.bins);
                let lead = lags + self.front_end.bins_before();
                let bins = lead + span.bins + self.front_end.bins_after();
                let neighbours = tables.cells.neighbours;
                let mut currents = if let Some(cells) = &expected {
                    let mut cells = cells[view].clone();
                    let row = |number: i64| number as f64 / PLACES as f64;
                    let last = cells.first + (cells.values.len() / cells.bins) as i64 - 1;
                    let mut currents = Currents::between([row(cells.first), row(last)], neighbours, bins);
                    self.count(view, &mut cells, random);
                    currents.induce_all(&tables.cells, &cells, lead);
                    currents.note_all(arrived, &here, view, self.last.spread().number[0] as f32);
                    currents
                } else {
                    let Some(ends) = arrived.electrons.ends(&electrons) else { continue };
                    let mut currents = Currents::between(ends[view], neighbours, bins);
                    currents.add_electrons(
                        &arrived.electrons,
                        view,
                        &electrons,
                        &tables.electrons,
                        |t| t / self.bin_ns - span.start as f64 + lead as f64,
                        |k| on[k] == view,
                    );
                    currents
                };
                let start = span.start - lead as i64;
                self.read_view([layer, sheet, view], hits, &mut currents, start, digitised, random);
            }
        }
    }

    /// The time bins of all that arrives within the window, whose rest is told and left out.
    fn span(&self, layer: usize, arrived: &mut Arrivals, told: &mut Told) -> Option<Span> {
        let each = self.last.spread().number[0];
        let Arrivals { electrons, families, clouds } = arrived;
        let all = [(electrons, 1.0), (families, 1.0), (clouds, each)];
        let first = all.iter().flat_map(|(of, _)| &of.t).copied().reduce(f64::min)?;
        let mut last = first;
        for (of, each) in all {
            for (weight, &t) in of.weight.iter_mut().zip(&of.t) {
                if t - first > self.window_ns {
                    told.late += each * f64::from(*weight);
                    *weight = 0.0;
                } else {
                    last = f64::max(last, t);
                }
            }
        }
        let tables = || self.views[layer].iter().flatten();
        let before = tables().map(|of| of.bins()[0]).max().unwrap_or(0);
        let after = tables().map(|of| of.bins()[1]).max().unwrap_or(0);
        let bin = |t: f64| (t / self.bin_ns).floor() as i64;
        let start = bin(first) - before as i64 - 1;
        let bins = (bin(last) - start) as usize + after + 2;
        Some(Span { start, bins: bins.next_multiple_of(TOGETHER) })
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
        for k in 0..currents.len() {
            let strip = currents.first + k as i64;
            let hit = currents.hit_of(k).map(|hit| &hits[hit as usize]);
            let Some(current) = currents.of(k).filter(|_| (0..i64::from(strips)).contains(&strip)) else {
                continue;
            };
            let at = [layer, sheet, view, strip as usize];
            self.read_strip(at, hit, current, start, digitised, random);
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
        let at = [layer, sheet, view, strip];
        digitised.digits.extend(readings.into_iter().map(|read| self.digit(at, &read, hit)));
    }

    /// What a strip or pad gives; without a hit it is of noise.
    pub(crate) fn digit(
        &self,
        [layer, sheet, view, strip]: [usize; 4],
        read: &Reading,
        hit: Option<&Hit>,
    ) -> Digit {
        let place = &self.places[layer];
        Digit {
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
        }
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
