// SPDX-License-Identifier: GPL-2.0

//! What C hands over to the hooks, as types: see `kernel::seam`. Each says what it claims of the
//! callers. What C gets back is in `results.rs`.

pub(super) use super::args::*;
#[cfg(CONFIG_CGROUP_WRITEBACK)]
use crate::c::foreign::Writeback;
#[cfg(CONFIG_SWAP)]
use crate::c::swap::{
    Cluster,
    FreedEntries, //
};
use crate::c::{
    binding::{
        Exclusive,
        Stable, //
    },
    gfp::Gfp,
    life::{
        Freeing,
        Offlining,
        Onlining,
        Released, //
    },
    memcg::MemCgroup,
    meta_page::MetaPage,
    node::Node,
    objcg::ObjCgroup,
    sock::Sock,
    task::Moved,
    vm,
};
use crate::files;
use core::ptr::NonNull;
use kernel::{
    bindings,
    cgroup::{
        CssData,
        Files, //
    },
    mm::{
        folio::Folio,
        lruvec::Lruvec,
        numa::NodeId,
        pages::Passed,
        vmstat::NodeItem, //
    },
    seam::{
        Arg,
        ArgType,
        Wraps, //
    },
    sync::{
        aref::ARef,
        counted::Counted, //
    },
};

// SAFETY: The layout is that of C.
unsafe impl Wraps for MemCgroup {
    type C = bindings::mem_cgroup;
}

// SAFETY: The layout is transparent.
unsafe impl Wraps for ObjCgroup {
    type C = bindings::obj_cgroup;
}

#[cfg(CONFIG_CGROUP_WRITEBACK)]
// SAFETY: The layout is transparent.
unsafe impl Wraps for Writeback {
    type C = bindings::bdi_writeback;
}

/// Types of arguments. `$claim` is what each claims of the caller, at the least until the hook
/// returns; `$from` makes it of what C hands over, and relies on that.
macro_rules! args {
    ($($claim:literal $ty:ty = $c:ty, |$raw:ident| $from:expr;)*) => { $(
        impl<'a> ArgType for $ty {
            type Raw = $c;
        }

        #[doc = $claim]
        // SAFETY: That is the claim.
        unsafe impl<'a> Arg<'a> for $ty {
            #[inline]
            #[allow(unused_unsafe)] // For those without a claim.
            unsafe fn from_c($raw: $c) -> Self {
                // SAFETY: By the requirement of this function.
                unsafe { $from }
            }
        }
    )* };
}

mod kernel_memory;
pub(super) use kernel_memory::*;

/// Lists of a container, or of a node if the controller is disabled.
pub(super) struct AnyLists<'a>(&'a Lruvec);

/// A socket that is only looked at.
pub(super) struct ConstSock<'a>(Sock<'a>);

/// Folios on their way to be freed together.
pub(super) struct Batch<'a>(&'a bindings::folio_batch);

/// A container on which C gives a reference away, unless it is the root of a walk.
pub(super) struct Given(*mut bindings::mem_cgroup);

/// What a reclaimer that shares its walk with others knows of it; nothing if it shares none.
pub(super) struct MayCookie<'a>(Option<&'a mut bindings::mem_cgroup_reclaim_cookie>);

/// The id of a container that was written down for entries of swap space.
#[cfg(CONFIG_SWAP)]
pub(super) struct RecordedId(u16);

args! {
    "Nothing is claimed."
    Gfp = bindings::gfp_t, |raw| Gfp(raw);
    "The container stays, if it is not null."
    OrRoot<'a> = *mut bindings::mem_cgroup,
        |raw| OrRoot(raw.cast::<MemCgroup>().as_ref().unwrap_or(MemCgroup::root()));
    "Somebody has a reference on the container, if it is not null; the css is its first field."
    ByCss<'a> = *mut bindings::cgroup_subsys_state,
        |raw| ByCss(raw.cast::<Counted<MemCgroup>>().as_ref());
    "The core brings the container online."
    Onlining<'a> = *mut bindings::cgroup_subsys_state,
        |raw| Onlining::new(MemCgroup::from_css(raw));
    "The core takes the container offline."
    MayOffline<'a> = *mut bindings::cgroup_subsys_state,
        |raw| MayOffline(Offlining::new(MemCgroup::from_css(raw)));
    "The last reference on the container has gone."
    Released<'a> = *mut bindings::cgroup_subsys_state,
        |raw| Released::new(MemCgroup::from_css(raw));
    "The core gives the container away to be freed; the css is its first field."
    Freeing = *mut bindings::cgroup_subsys_state, |raw| Freeing::new(raw.cast());
    "The core moves these tasks right now."
    Moved<'a> = *mut bindings::cgroup_taskset, |raw| Moved::new(&mut *raw);
    "The lists are those of a container that stays: the controller is enabled."
    ByLists<'a> = *mut bindings::lruvec, |raw| ByLists(Node::from_lruvec(raw));
    "The lists stay."
    AnyLists<'a> = *mut bindings::lruvec, |raw| AnyLists(Lruvec::from_raw(raw));
    "It is a page, of memory that is not taken away; all else about it may change any time."
    OfPage<'a> = *mut bindings::page,
        |raw| OfPage(Passed::from_raw(NonNull::new_unchecked(bindings::page_folio(raw).cast())));
    "That of `MetaPage<Exclusive>` for each folio, and none is there twice."
    Batch<'a> = *mut bindings::folio_batch, |raw| Batch(&*raw);
    "The socket is not freed, and nobody else changes what it charges to."
    Sock<'a> = *mut bindings::sock, |raw| Sock::new(NonNull::new_unchecked(raw));
    "The same, but for who changes that."
    ConstSock<'a> = *const bindings::sock,
        |raw| ConstSock(Sock::new(NonNull::new_unchecked(raw.cast_mut())));
    "A reference is given away with it, or it is null or what `take()` is told."
    Given = *mut bindings::mem_cgroup, |raw| Given(raw);
    "It is null, or the caller's own, with a node."
    MayCookie<'a> = *mut bindings::mem_cgroup_reclaim_cookie, |raw| MayCookie(raw.as_mut());
}

#[cfg(CONFIG_MEMCG_V1)]
args! {
    "It is the pressure of a container that stays."
    ByPressure<'a> = *mut bindings::vmpressure,
        |raw| ByPressure(MemCgroup::from_vmpressure(raw));
    "Somebody has a reference on the container, if it is not null."
    MayHeld<'a> = *mut bindings::mem_cgroup,
        |raw| MayHeld(raw.cast::<Counted<MemCgroup>>().as_ref());
}

#[cfg(CONFIG_SWAP)]
args! {
    "It was, for as many entries as `freed()` is told, which are free now; and this is told once."
    RecordedId = u16, |raw| RecordedId(raw);
    "It is locked, and that of the entries of the folio that it goes with."
    Cluster<'a> = *mut bindings::swap_cluster_info, |raw| Cluster::new(raw);
}

impl<S: Stable> ArgType for MetaPage<'_, S> {
    type Raw = *mut bindings::folio;
}

// SAFETY: The claim is that `S` is true of the folio until the hook returns, that it is no slab
// page, and that the argument is the only view of it if `S` is good enough to change the binding.
unsafe impl<'a, S: Stable> Arg<'a> for MetaPage<'a, S> {
    #[inline]
    unsafe fn from_c(raw: Self::Raw) -> Self {
        // SAFETY: By the requirement of this function.
        unsafe { Self::new(Folio::from_raw(raw)) }.checked()
    }
}

impl<'a> Batch<'a> {
    /// The folios.
    #[inline]
    pub(super) fn into_pages(self) -> impl Iterator<Item = MetaPage<'a, Exclusive>> {
        let folios = self.0.folios.get(..self.0.nr.into()).unwrap_or_default();
        folios
            .iter()
            // SAFETY: By the claim.
            .map(|folio| unsafe { MetaPage::from_c(*folio) })
    }
}

impl<'a> ConstSock<'a> {
    /// The socket, to be looked at.
    #[inline]
    pub(super) fn get(&self) -> &Sock<'a> {
        &self.0
    }
}

impl<'a> AnyLists<'a> {
    /// Whose they are; nobody's if the controller is disabled.
    #[inline]
    pub(super) fn node(&self) -> Option<&'a Node> {
        if vm::disabled() {
            return None;
        }
        // SAFETY: The controller is enabled: all lists in use are those of a container.
        Some(unsafe { Node::from_lruvec(self.0.as_raw()) })
    }

    /// Adds `n` to a statistic of the node that they are of.
    #[inline]
    pub(super) fn mod_node_state(&self, item: NodeItem, n: isize) {
        // SAFETY: Lists on which something changes know their node, which is not freed; there is
        // such an item.
        unsafe { bindings::node_page_state_add((*self.0.as_raw()).pgdat, item.as_raw(), n) }
    }

    /// The node that they are of.
    #[inline]
    pub(super) fn nid(&self) -> NodeId {
        match self.node() {
            Some(node) => node.nid(),
            // SAFETY: The lists of a node know it, which may exist and is not freed.
            None => unsafe { NodeId::new_unchecked((*(*self.0.as_raw()).pgdat).node_id) },
        }
    }
}

impl Given {
    /// The container, as long as the reference has not been taken.
    pub(super) fn get(&self) -> Option<&MemCgroup> {
        // SAFETY: The reference is ours, or the container is the root of the caller's walk.
        unsafe { self.0.cast::<MemCgroup>().as_ref() }
    }

    /// The reference; nothing if it is `root` or null.
    pub(super) fn take(self, root: &MemCgroup) -> Option<ARef<Counted<MemCgroup>>> {
        let memcg = NonNull::new(self.0).filter(|memcg| memcg.as_ptr() != root.as_raw())?;
        // SAFETY: By the claim; `self` is consumed.
        Some(unsafe { ARef::from_raw(memcg.cast()) })
    }
}

impl<'a> MayCookie<'a> {
    /// The node whose walk it is, and the round that was joined.
    pub(super) fn into_parts(self) -> Option<(NodeId, &'a mut i32)> {
        let cookie = self.0?;
        // SAFETY: By the claim there is a node, which is not freed; so its id is that of one.
        let nid = unsafe { NodeId::new_unchecked((*cookie.pgdat).node_id) };
        Some((nid, &mut cookie.generation))
    }
}

#[cfg(CONFIG_SWAP)]
impl RecordedId {
    /// The entries, of which there are `nr`.
    pub(super) fn freed(self, nr: u32) -> FreedEntries {
        // SAFETY: By the claim.
        unsafe { FreedEntries::new(self.0.into(), nr) }
    }
}

/// The files on cgroup v1, for `shim.c`. Nobody but the core writes to them, as the kernel boots.
#[no_mangle]
#[link_section = ".data..ro_after_init"]
static memctl_v1_files: Files<MemCgroup, { files::v1::FILES.len() }> =
    Files::named(c"memory", files::v1::FILES);

/// The files on cgroup v2, likewise.
#[no_mangle]
#[link_section = ".data..ro_after_init"]
static memctl_v2_files: Files<MemCgroup, { files::v2::FILES.len() }> =
    Files::named(c"memory", files::v2::FILES);
