//! townsend-train
