// SPDX-License-Identifier: GPL-2.0

//! How an audit is shown.
#![deny(unsafe_code)]

use super::{
    account::Account,
    measure::{
        COUNTED,
        NR_COUNTED, //
    },
    Audit,
};
use kernel::{
    bindings as c,
    cgroup::CssData,
    prelude::*,
    seq_file::SeqFile,
    seq_print,
    str::BStr, //
};

/// The columns before those of what is kept for each node.
const PLAIN: [&str; 7] = [
    "usage", "bound", "kernel", "stocked", "granted", "swap", "percpu_b",
];

impl Audit {
    /// Writes the report.
    pub(super) fn report(&self, seq: &SeqFile) {
        seq_print!(
            seq,
            "In pages, bytes (_b) or KiB (_kb); '-': what the root does not count.\n"
        );
        for name in PLAIN {
            seq_print!(seq, "{:>10}", name);
        }
        for (_, name) in COUNTED {
            seq_print!(seq, "{:>16}", name);
        }
        seq_print!(seq, "  container\n");

        let mut path = KVec::from_elem(0u8, c::PATH_MAX as usize, GFP_KERNEL).unwrap_or_default();
        let (mut certain, mut uncertain, mut moving) = (0, 0, 0);
        for (at, account) in self.accounts.iter().enumerate() {
            moving += usize::from(account.found.moved);
            self.print_account(seq, at, account, &mut path);
            self.differences(at, |difference, is_certain| {
                let sum = match is_certain {
                    true => &mut certain,
                    false => &mut uncertain,
                };
                *sum += 1;
                difference.print(seq, is_certain);
            });
        }

        seq_print!(
            seq,
            "{} containers, {} of them in motion, with {} differences\n",
            self.accounts.len(),
            moving,
            uncertain
        );
        match certain {
            0 => seq_print!(seq, "audit: clean\n"),
            n => seq_print!(seq, "audit: {} differences\n", n),
        }
    }

    fn print_account(&self, seq: &SeqFile, at: usize, account: &Account, path: &mut [u8]) {
        if account.memcg.is_root() {
            seq_print!(seq, "{:>10}", '-');
        } else {
            seq_print!(seq, "{:>10}", account.said.usage);
        }
        let (found, said) = (account.found, account.said);
        for n in [found.pages, found.kernel, said.stocked] {
            seq_print!(seq, "{:>10}", n);
        }
        seq_print!(seq, "{:>10}", said.granted());
        for n in [found.swap, account.tree.per_cpu] {
            seq_print!(seq, "{:>10}", n);
        }
        for column in 0..NR_COUNTED {
            let shares = self.shares.get(self.shares_of(at)).unwrap_or_default();
            let found = shares.iter().filter_map(|share| share.found.0.get(column));
            seq_print!(seq, "{:>16}", found.sum::<isize>());
        }
        let path = BStr::from_bytes(account.memcg.css().path(path));
        let removed = match account.memcg.css().is_dying() {
            true => " (removed)",
            false => "",
        };
        seq_print!(seq, "  {}{}\n", path, removed);
    }
}
