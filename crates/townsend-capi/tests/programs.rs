//! Real programs in C and C++.
