// SPDX-License-Identifier: GPL-2.0

//! Is it true? [`audit`] looks whether what the counters say is what is there.
#![deny(unsafe_code)]

pub(crate) mod audit;
