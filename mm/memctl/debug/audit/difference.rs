// SPDX-License-Identifier: GPL-2.0

//! What was found is compared with what is said.
#![deny(unsafe_code)]

use super::{
    measure::{
        COUNTED,
        NR_LISTS, //
    },
    Audit,
};
use kernel::{
    mm::numa::NodeId,
    seq_file::SeqFile,
    seq_print, //
};

/// A difference between what is said and what was found.
pub(super) struct Difference {
    what: &'static str,
    node: Option<NodeId>,
    found: isize,
    said: isize,
}

impl Difference {
    pub(super) fn print(&self, seq: &SeqFile, certain: bool) {
        let mark = match certain {
            true => "!!",
            false => " ~",
        };
        seq_print!(seq, "{} {}", mark, self.what);
        if let Some(nid) = self.node {
            seq_print!(seq, " on node {}", nid.as_raw());
        }
        seq_print!(seq, ": {} found, {} counted\n", self.found, self.said);
    }
}

impl Audit {
    /// Calls `tell` with each difference in an account, and whether it is certain.
    pub(super) fn differences(&self, at: usize, mut tell: impl FnMut(Difference, bool)) {
        let Some(account) = self.accounts.get(at) else {
            return;
        };
        let (found, tree, said) = (account.found, account.tree, account.said);
        let mut compare = |what, node, found: isize, said: isize, certain: bool| {
            if found != said {
                let difference = Difference {
                    what,
                    node,
                    found,
                    said,
                };
                tell(difference, certain);
            }
        };

        let kernel = tree.kernel as isize;
        if !account.memcg.is_root() {
            let pages = (tree.pages + said.stocked) as isize + kernel + said.granted();
            let pages = pages + said.sockets;
            compare("usage", None, pages, said.usage as isize, !tree.moved);
            if let Some(kmem) = said.kmem {
                let pages = kernel + said.granted();
                compare("kmem usage", None, pages, kmem as isize, !tree.moved);
            }
            // Objects fill pages in part, but pages are charged whole.
            compare("odd grains", None, 0, said.odd_grains(), !tree.moved);
            let swap = tree.swap as isize;
            compare("swap usage", None, swap, said.swap_usage(), !tree.moved);
        }
        compare("kernel", None, kernel, said.kernel, !tree.moved);
        let per_cpu = tree.per_cpu as isize;
        compare("percpu_b", None, per_cpu, said.per_cpu, !tree.moved);
        compare("swap", None, account.swap, said.swap, !tree.moved);
        let misplaced = account.misplaced as isize;
        compare("misplaced", None, misplaced, 0, !found.moved);

        for (nid, share) in NodeId::all().zip(self.shares_of(at)) {
            let Some(share) = self.shares.get(share) else {
                continue;
            };
            let pairs = share.found.0.iter().zip(share.said.0);
            for (at, ((found_here, said_here), (_, what))) in pairs.zip(COUNTED).enumerate() {
                let moved = if at < NR_LISTS {
                    found.moved
                } else {
                    tree.moved
                };
                compare(what, nid, *found_here, said_here, !moved);
            }
        }
    }
}
