//! Strips: what they record of avalanches, alone or several in an event.

use std::ffi::c_char;
use std::ptr::{null, null_mut};

use townsend::{Avalanche, ElectronBuffer, StripHit, StripReadout, StripWorkspace};

use crate::error::{Error, Failure, answer, status, status_of};
use crate::model::{Model, path};
use crate::pointers::{copy, emptied, given, given_mut, is_null, values};
use crate::workspace::Electrons;

/// Electrons stay where they are: x and z are mm from the centre of the sheet.
pub const TOWNSEND_PLACE_AS_GIVEN: u32 = 0;
/// The event is placed on the sheet at random, evenly over the rectangle that the detector names, as the
/// command `townsend readout` does with avalanches that are relative to a hole.
pub const TOWNSEND_PLACE_EVENLY: u32 = 1;

/// The strips of a detector and their electronics. They never change, so that any number of threads may use
/// them at once.
pub struct Readout {
    strips: StripReadout,
    about: Strips,
}

/// What the strips of a detector are.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Strips {
    /// Number of X and of V strips.
    pub strips: [u32; 2],
    /// Distance between neighbouring strips of a view, µm.
    pub pitch_um: f64,
    /// Angle between the V and the X strips, degrees: V strips measure x cos + z sin of it.
    pub stereo_deg: f64,
    /// Length of the sheet along z, mm.
    pub length_mm: f64,
    /// A strip with less charge has no hit, fC.
    pub threshold_fc: f64,
    /// The largest charge that is measured, fC.
    pub saturation_fc: f64,
}

/// What one strip recorded of one event.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Hit {
    /// Number of the event.
    pub event: u64,
    /// Number of the strip in its view, from 0; the centre of the sheet is the middle of the strips.
    pub strip: u32,
    /// Charge, fC.
    pub charge_fc: f32,
    /// Time, ns.
    pub time_ns: f32,
    /// Number of the layer.
    pub layer: u8,
    /// Number of the sheet in the layer.
    pub sheet: u8,
    /// 0 for X, 1 for V.
    pub view: u8,
    /// 0.
    pub unused: u8,
}

impl From<&StripHit> for Hit {
    fn from(&StripHit { event, layer, sheet, view, strip, charge_fc, time_ns }: &StripHit) -> Self {
        Self { event, strip, charge_fc, time_ns, layer, sheet, view, unused: 0 }
    }
}

/// The electrons of an event, of one avalanche or several, and memory to read it, used again for the next.
/// One serves one thread.
#[derive(Default)]
pub struct Event {
    electrons: ElectronBuffer,
    memory: StripWorkspace,
    read: Vec<StripHit>,
    hits: Vec<Hit>,
}

impl Event {
    /// Reads the event into `hits`. Returns how many electrons came down beside the strips.
    fn read(&mut self, readout: &Readout, [seed, number]: [u64; 2], place: u32) -> Result<u64, Failure> {
        self.read.clear();
        self.hits.clear();
        let (strips, electrons) = (&readout.strips, self.electrons.as_avalanche());
        let beside = match place {
            TOWNSEND_PLACE_AS_GIVEN => {
                strips.read_as_placed(seed, number, electrons, &mut self.memory, &mut self.read)
            }
            TOWNSEND_PLACE_EVENLY => strips.read(seed, number, electrons, &mut self.memory, &mut self.read),
            other => {
                return Err(Failure::usage(format!(
                    "place is {other}, but must be {TOWNSEND_PLACE_AS_GIVEN} (as given) or {TOWNSEND_PLACE_EVENLY} (evenly)"
                )));
            }
        };
        self.hits.extend(self.read.iter().map(Hit::from));
        Ok(beside)
    }
}

/// The strips of a detector: of a file in TOML, or one that ships, by its name (`cgem`). Close it with
/// `townsend_readout_close`; NULL on errors.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_readout_open(detector: *const c_char, error: *mut Error) -> *mut Readout {
    answer(error, null_mut(), || {
        // SAFETY: as the header asks of every pointer.
        let path = unsafe { path(detector, "detector") }?;
        readout(&townsend::detector(Some(&path))?)
    })
}

/// The strips of the detector that a model describes: of a cascade or of the Monte Carlo. Close it with
/// `townsend_readout_close`; NULL on errors.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_readout_of_model(model: *const Model, error: *mut Error) -> *mut Readout {
    answer(error, null_mut(), || {
        // SAFETY: as the header asks of every pointer.
        let model = unsafe { given(model, "model") }?;
        match model.facade.detector_at(&townsend::Setting::default())? {
            Some(detector) => readout(&detector),
            None => Err(Failure::usage(format!(
                "a model of the family {} describes no detector; name one to townsend_readout_open",
                model.facade.describe().family
            ))),
        }
    })
}

fn readout(detector: &townsend::Detector) -> Result<*mut Readout, Failure> {
    let strips = StripReadout::new(detector).map_err(townsend::Error::from)?;
    let about = detector.readout.as_ref().map_or_else(Strips::default, |of| Strips {
        strips: of.strips,
        pitch_um: of.pitch_um,
        stereo_deg: of.stereo_deg,
        length_mm: of.length_mm,
        threshold_fc: of.threshold_fc,
        saturation_fc: of.saturation_fc,
    });
    Ok(Box::into_raw(Box::new(Readout { strips, about })))
}

/// Closes a readout; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_readout_close(readout: *mut Readout) {
    if !readout.is_null() {
        // SAFETY: it is from this module and not used any more.
        drop(unsafe { Box::from_raw(readout) });
    }
}

/// What the strips are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_readout_describe(
    readout: *const Readout,
    strips: *mut Strips,
    error: *mut Error,
) -> i32 {
    status(error, || {
        // SAFETY: as the header asks of every pointer.
        let (strips, readout) = unsafe { (emptied(strips, "strips")?, given(readout, "readout")?) };
        *strips = readout.about;
        Ok(())
    })
}

/// An event without electrons. Free it with `townsend_event_free`.
#[unsafe(no_mangle)]
pub extern "C" fn townsend_event_new() -> *mut Event {
    Box::into_raw(Box::default())
}

/// Frees an event and its hits; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_event_free(event: *mut Event) {
    if !event.is_null() {
        // SAFETY: it is from `townsend_event_new` and not used any more.
        drop(unsafe { Box::from_raw(event) });
    }
}

/// Removes all electrons and keeps the memory; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_event_clear(event: *mut Event) {
    // SAFETY: as the header asks of every pointer.
    if let Some(event) = unsafe { event.as_mut() } {
        event.electrons.clear();
    }
}

/// Adds electrons, moved by this much: of an avalanche that starts at x0, z0 (mm) at the time t0 (ns). The
/// electrons may be those of a workspace or the caller's own; they are copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_event_add(
    event: *mut Event,
    electrons: *const Electrons,
    x0_mm: f64,
    z0_mm: f64,
    t0_ns: f64,
    error: *mut Error,
) -> i32 {
    status_of(error, event, || {
        // SAFETY: as the header asks of every pointer.
        let (event, electrons) = unsafe { (given_mut(event, "event")?, given(electrons, "electrons")?) };
        let Electrons { x, z, t, n } = *electrons;
        let by = [x0_mm, z0_mm, t0_ns];
        if !by.iter().all(|value| value.is_finite()) {
            return Err(Failure::usage(format!("{x0_mm} mm, {z0_mm} mm, {t0_ns} ns is no place and time")));
        }
        if u32::try_from(event.electrons.len().saturating_add(n)).is_err() {
            return Err(Failure::usage("an event cannot hold 2^32 electrons or more"));
        }
        // SAFETY: as the header asks of every pointer.
        let [x, z, t] = unsafe {
            [values(x, n, "electrons.x")?, values(z, n, "electrons.z")?, values(t, n, "electrons.t")?]
        };
        if [&event.electrons.x, &event.electrons.z, &event.electrons.t]
            .iter()
            .any(|own| [x, z, t].iter().any(|given| own.as_ptr_range().contains(&given.as_ptr())))
        {
            return Err(Failure::usage("the electrons are those of the event itself; copy them first"));
        }
        event.electrons.extend_moved(Avalanche { x, z, t }, by);
        Ok(())
    })
}

/// The electrons of the event so far. The view is valid until the event is used again; empty for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_event_electrons(event: *const Event) -> Electrons {
    // SAFETY: as the header asks of every pointer.
    unsafe { event.as_ref() }.map_or_else(Electrons::default, |event| event.electrons.as_avalanche().into())
}

/// What the strips record of the event: `n` hits by view and strip, a function of seed, number, place and
/// electrons alone. The view is valid until the event is used again; on errors it is empty. `beside`, which
/// may be NULL, is set to how many electrons came down beside all strips.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_event_read(
    event: *mut Event,
    readout: *const Readout,
    seed: u64,
    number: u64,
    place: u32,
    hits: *mut *const Hit,
    n: *mut usize,
    beside: *mut u64,
    error: *mut Error,
) -> i32 {
    status_of(error, event, || {
        // SAFETY: as the header asks of every pointer.
        let (hits, n) = unsafe { (given_mut(hits, "hits")?, emptied(n, "n")?) };
        *hits = null();
        // SAFETY: likewise.
        let (event, readout) = unsafe { (given_mut(event, "event")?, given(readout, "readout")?) };
        let lost = event.read(readout, [seed, number], place)?;
        // SAFETY: likewise.
        if let Some(beside) = unsafe { beside.as_mut() } {
            *beside = lost;
        }
        (*hits, *n) = (event.hits.as_ptr(), event.hits.len());
        Ok(())
    })
}

/// The same, copied into a buffer of the caller that holds `capacity` hits; `n` is set to how many there are.
/// With more than `capacity` nothing is written (`TOWNSEND_ERROR_SIZE`): call again with a buffer that is
/// large enough, and the hits are the same.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_event_read_into(
    event: *mut Event,
    readout: *const Readout,
    seed: u64,
    number: u64,
    place: u32,
    hits: *mut Hit,
    capacity: usize,
    n: *mut usize,
    beside: *mut u64,
    error: *mut Error,
) -> i32 {
    status_of(error, event, || {
        // SAFETY: as the header asks of every pointer.
        let n = unsafe { emptied(n, "n") }?;
        if hits.is_null() && capacity > 0 {
            return Err(is_null("hits"));
        }
        // SAFETY: likewise.
        let (event, readout) = unsafe { (given_mut(event, "event")?, given(readout, "readout")?) };
        let lost = event.read(readout, [seed, number], place)?;
        // SAFETY: likewise.
        if let Some(beside) = unsafe { beside.as_mut() } {
            *beside = lost;
        }
        *n = event.hits.len();
        if *n > capacity {
            return Err(Failure::size("hits", capacity, *n));
        }
        // SAFETY: the buffer holds `capacity` hits.
        unsafe { copy(&event.hits, hits, "hits") }
    })
}
