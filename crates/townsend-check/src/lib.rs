//! townsend-check
