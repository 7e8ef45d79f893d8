//! townsend-core
