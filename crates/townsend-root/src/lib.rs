//! townsend-root
