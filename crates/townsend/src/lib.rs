//! townsend
