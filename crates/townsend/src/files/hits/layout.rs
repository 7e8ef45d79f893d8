//! Layouts of tables of hits: how other programs call their columns.

use std::str::FromStr;

use townsend_io::Dimension;
use townsend_readout::Ionise;

/// Whose table of hits it is: names of columns and their units where the file states none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// Names of our own and similar ones, in mm, ns and `keV`.
    #[default]
    Plain,
    /// Ntuples of Geant4's examples, in mm, ns and `MeV`: steps from the point before to the point after, or
    /// deposits at the point after.
    Geant4,
    /// Simulations of CYGNO, one row an event: deposits at points, in mm, ns and `keV`.
    Cygno,
    /// `edm4hep::SimTrackerHit`, one row an event, in mm, ns and `GeV`: the middle of a way whose half length
    /// along the momentum leads to its beginning and its end.
    Edm4hep,
    /// `PSimHit` of CMS, one row a hit or an event, in cm, ns and `GeV`: entry and exit.
    PSimHit,
}

impl Layout {
    /// All, with their names.
    pub const ALL: [(&str, Self); 5] = [
        ("plain", Self::Plain),
        ("geant4", Self::Geant4),
        ("cygno", Self::Cygno),
        ("edm4hep", Self::Edm4hep),
        ("psimhit", Self::PSimHit),
    ];

    /// How its hits free electrons if nothing else is said: as their deposits do where it has points.
    pub fn ionise(self) -> Ionise {
        match self {
            Self::Geant4 | Self::Cygno => Ionise::Deposit,
            Self::Plain | Self::Edm4hep | Self::PSimHit => Ionise::Clusters,
        }
    }

    /// Names of the columns that can be `what`, one of [`KNOWN`](super::columns::KNOWN).
    pub(super) fn names(self, what: &str) -> &'static [&'static str] {
        match (self, what) {
            (Self::Plain, "x0") => &["x0", "x_in", "x_entry", "entry_x"],
            (Self::Plain, "y0") => &["y0", "y_in", "y_entry", "entry_y"],
            (Self::Plain, "z0") => &["z0", "z_in", "z_entry", "entry_z"],
            (Self::Plain, "x1") => &["x1", "x_out", "x_exit", "exit_x"],
            (Self::Plain, "y1") => &["y1", "y_out", "y_exit", "exit_y"],
            (Self::Plain, "z1") => &["z1", "z_out", "z_exit", "exit_z"],
            (Self::Plain, "x") => &["x"],
            (Self::Plain, "y") => &["y"],
            (Self::Plain, "z") => &["z"],
            (Self::Plain, "px") => &["px"],
            (Self::Plain, "py") => &["py"],
            (Self::Plain, "pz") => &["pz"],
            (Self::Plain, "path") => &["path", "path_length", "pathLength"],
            (Self::Plain, "t") => &["t", "time", "t0"],
            (Self::Plain, "edep") => &["edep", "deposit", "energy_deposit"],
            (Self::Geant4, "x0") => &["x0", "prex", "pre_x", "prestepx", "prestep_x", "x_pre", "preposx"],
            (Self::Geant4, "y0") => &["y0", "prey", "pre_y", "prestepy", "prestep_y", "y_pre", "preposy"],
            (Self::Geant4, "z0") => &["z0", "prez", "pre_z", "prestepz", "prestep_z", "z_pre", "preposz"],
            (Self::Geant4, "x1") => {
                &["x1", "postx", "post_x", "poststepx", "poststep_x", "x_post", "postposx"]
            }
            (Self::Geant4, "y1") => {
                &["y1", "posty", "post_y", "poststepy", "poststep_y", "y_post", "postposy"]
            }
            (Self::Geant4, "z1") => {
                &["z1", "postz", "post_z", "poststepz", "poststep_z", "z_post", "postposz"]
            }
            (Self::Geant4, "x") => &["x", "fX", "posx", "pos_x", "hit_x", "fPosX"],
            (Self::Geant4, "y") => &["y", "fY", "posy", "pos_y", "hit_y", "fPosY"],
            (Self::Geant4, "z") => &["z", "fZ", "posz", "pos_z", "hit_z", "fPosZ"],
            (Self::Geant4, "t") => &["t", "time", "fT", "fTime", "globaltime", "global_time", "hit_time"],
            (Self::Geant4, "edep") => &["edep", "fEdep", "energydeposit", "energy_deposit", "deposit", "de"],
            (Self::Cygno, "x") => &["x_hits"],
            (Self::Cygno, "y") => &["y_hits"],
            (Self::Cygno, "z") => &["z_hits"],
            (Self::Cygno, "t") => &["time_hits"],
            (Self::Cygno, "edep") => &["energyDep_hits"],
            (Self::Cygno, "track") => &["trackID_hits"],
            (Self::Cygno, "event") => &["eventnumber"],
            (Self::Edm4hep, "x") => &["position.x"],
            (Self::Edm4hep, "y") => &["position.y"],
            (Self::Edm4hep, "z") => &["position.z"],
            (Self::Edm4hep, "px") => &["momentum.x"],
            (Self::Edm4hep, "py") => &["momentum.y"],
            (Self::Edm4hep, "pz") => &["momentum.z"],
            (Self::Edm4hep, "path") => &["pathLength"],
            (Self::Edm4hep, "t") => &["time"],
            (Self::Edm4hep, "edep") => &["eDep"],
            (Self::Edm4hep, "event") => &["EventHeader.eventNumber"],
            (Self::PSimHit, "x0") => {
                &["theEntryPoint.theVector.theX", "entryPoint.x", "entryPoint_x", "entry_x"]
            }
            (Self::PSimHit, "y0") => {
                &["theEntryPoint.theVector.theY", "entryPoint.y", "entryPoint_y", "entry_y"]
            }
            (Self::PSimHit, "z0") => {
                &["theEntryPoint.theVector.theZ", "entryPoint.z", "entryPoint_z", "entry_z"]
            }
            (Self::PSimHit, "x1") => &["theExitPoint.theVector.theX", "exitPoint.x", "exitPoint_x", "exit_x"],
            (Self::PSimHit, "y1") => &["theExitPoint.theVector.theY", "exitPoint.y", "exitPoint_y", "exit_y"],
            (Self::PSimHit, "z1") => &["theExitPoint.theVector.theZ", "exitPoint.z", "exitPoint_z", "exit_z"],
            (Self::PSimHit, "t") => &["theTof", "timeOfFlight", "tof"],
            (Self::PSimHit, "edep") => &["theEnergyLoss", "energyLoss"],
            (Self::PSimHit, "track") => &["theTrackId", "trackId"],
            (Self::Plain | Self::Geant4 | Self::PSimHit, "event") => {
                &["event", "eventID", "event_id", "evt", "entry", "eventNumber", "fEvent", "fEventID"]
            }
            (Self::Plain | Self::Geant4, "track") => &["track", "trackID", "track_id", "fTrackID"],
            (Self::Cygno | Self::Edm4hep, "layer" | "hit") => &[],
            (_, "layer") => &["layer", "layerID", "layer_id"],
            (_, "hit") => &["hit", "hit_id"],
            _ => &[],
        }
    }

    /// The size of the unit of a column that states none, in mm, ns or keV.
    pub(super) fn unit(self, dimension: Dimension) -> f64 {
        match (self, dimension) {
            (Self::PSimHit, Dimension::Length) => 10.0,
            (Self::Geant4, Dimension::Energy) => 1e3,
            (Self::Edm4hep | Self::PSimHit, Dimension::Energy) => 1e6,
            _ => 1.0,
        }
    }

    /// Whether names have that of their collection before them, with a point between.
    pub(super) fn in_collections(self) -> bool {
        matches!(self, Self::Edm4hep | Self::PSimHit)
    }
}

impl FromStr for Layout {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let known = Self::ALL.into_iter().find(|(name, _)| *name == text);
        known.map(|(_, layout)| layout).ok_or_else(|| {
            let names = Self::ALL.map(|(name, _)| name);
            format!("`{text}` is no layout of hits; there are {}", names.join(", "))
        })
    }
}
