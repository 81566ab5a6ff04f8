// SPDX-License-Identifier: GPL-2.0

//! Type wrapper: [`MemCgroup`], a container.
//!
//! A container is a css with counters, statistics and a share of every node behind it. It is alive
//! as long as there is a reference on its css, and may be looked at a grace period longer. A child
//! keeps its parent alive.

#[cfg(CONFIG_CGROUP_WRITEBACK)]
use crate::foreign::Foreign;
use crate::{
    events::MemoryEvent,
    node::Node,
    stats, //
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    cgroup::{
        peak::Peaks,
        Css,
        CssData,
        FileHandle, //
    },
    mm::numa::NodeId,
    percpu::PerCpuSlots,
    prelude::*,
    res_counter::ResCounter,
    sync::{
        aref::{
            ARef,
            AlwaysRefCounted, //
        },
        atomic::{
            Atomic,
            Relaxed, //
        },
        rcu,
    },
    types::Opaque,
};

/// The largest id of a container; swap entries have 16 bits for it.
const ID_MAX: u32 = (1 << bindings::MEM_CGROUP_ID_SHIFT) - 1;

/// A container, `struct mem_cgroup`.
///
/// # Invariants
///
/// The object comes from [`MemCgroup::create`]: its counter, statistics and shares of all possible
/// nodes exist until it is freed, and a child is freed before its parent.
#[repr(transparent)]
pub(crate) struct MemCgroup(Opaque<bindings::mem_cgroup>);

// SAFETY: What changes is atomic, or C's under locks of C.
unsafe impl Send for MemCgroup {}
// SAFETY: As above.
unsafe impl Sync for MemCgroup {}

// SAFETY: The css counts references; the root's is never freed.
unsafe impl AlwaysRefCounted for MemCgroup {
    fn inc_ref(&self) {
        self.css().get();
    }

    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: The caller gives away a reference; `css` is the first field.
        unsafe { Css::put(obj.as_ptr().cast()) }
    }
}

// SAFETY: All css of this controller are the first field of a container.
unsafe impl CssData for MemCgroup {
    unsafe fn from_css<'a>(css: *mut bindings::cgroup_subsys_state) -> &'a Self {
        // SAFETY: By the requirements of this function; `css` is the first field.
        unsafe { &*css.cast() }
    }
}

kernel::static_assert!(core::mem::offset_of!(bindings::mem_cgroup, css) == 0);
kernel::static_assert!(size_of::<PerCpuSlots>() == size_of::<bindings::percpu_slots>());
kernel::static_assert!(
    core::mem::offset_of!(bindings::mem_cgroup, events_file) <= u32::MAX as usize
);

impl MemCgroup {
    /// Where the handles for notifications are, for the tables of files.
    pub(crate) const EVENTS_FILE: usize = core::mem::offset_of!(bindings::mem_cgroup, events_file);
    /// As above, for `memory.events.local`.
    pub(crate) const EVENTS_LOCAL_FILE: usize =
        core::mem::offset_of!(bindings::mem_cgroup, events_local_file);
    /// As above, for `memory.swap.events`.
    #[cfg(CONFIG_SWAP)]
    pub(crate) const SWAP_EVENTS_FILE: usize =
        core::mem::offset_of!(bindings::mem_cgroup, swap_events_file);

    /// Wraps a pointer from C.
    ///
    /// # Safety
    ///
    /// `ptr` points at a container that is not freed during `'a`.
    #[inline]
    pub(crate) unsafe fn from_raw<'a>(ptr: *const bindings::mem_cgroup) -> &'a Self {
        // SAFETY: The caller vouches for the pointer; the layout is transparent.
        unsafe { &*ptr.cast() }
    }

    /// The pointer C knows it by.
    #[inline]
    pub(crate) fn as_raw(&self) -> *mut bindings::mem_cgroup {
        self.0.get()
    }

    /// The root container: the one of everybody who is in no other.
    #[inline]
    pub(crate) fn root() -> &'static Self {
        // SAFETY: The root is made before anything can be charged, and never freed.
        unsafe { Self::from_raw(bindings::root_mem_cgroup) }
    }

    /// Whether it is the root container.
    #[inline]
    pub(crate) fn is_root(&self) -> bool {
        // SAFETY: The variable is written once, when the root is made.
        core::ptr::eq(self.as_raw(), unsafe { bindings::root_mem_cgroup })
    }

    /// What the cgroup core keeps of it.
    #[inline]
    pub(crate) fn css(&self) -> &Css {
        // SAFETY: The css is initialized by the core before anyone sees the container.
        unsafe { Css::from_raw(&raw const (*self.as_raw()).css) }
    }

    /// The container around a css that this controller got from a walk over its own.
    #[inline]
    pub(crate) fn from_css_ref(css: &Css) -> &Self {
        // SAFETY: A walk over css of this controller finds no others; `css` is the first field.
        unsafe { &*core::ptr::from_ref(css).cast() }
    }

    /// The container above.
    #[inline]
    pub(crate) fn parent(&self) -> Option<&Self> {
        // SAFETY: The pointer is constant, and a child keeps its parent alive.
        unsafe { (*self.as_raw()).css.parent.cast::<Self>().as_ref() }
    }

    /// The container itself and all above it.
    pub(crate) fn up(&self) -> impl Iterator<Item = &Self> {
        core::iter::successors(Some(self), |memcg| memcg.parent())
    }

    /// The same but the root, which has no limits.
    pub(crate) fn up_below_root(&self) -> impl Iterator<Item = &Self> {
        self.up().filter(|memcg| !memcg.is_root())
    }

    /// A reference, unless the last one is gone.
    pub(crate) fn try_get(&self) -> Option<ARef<Self>> {
        if !self.css().try_get() {
            return None;
        }
        // SAFETY: The reference that was just taken is handed over.
        Some(unsafe { ARef::from_raw(NonNull::from(self)) })
    }

    /// The nearest container from here up that is not being removed.
    #[inline]
    pub(crate) fn not_dying(&self) -> &Self {
        let mut memcg = self;
        while memcg.css().is_dying() {
            match memcg.parent() {
                Some(parent) => memcg = parent,
                None => break,
            }
        }
        memcg
    }

    /// The share of the node `nid`.
    #[inline]
    pub(crate) fn node(&self, nid: NodeId) -> &Node {
        // SAFETY: By the type invariants there is a share of every possible node.
        unsafe {
            let nodes = (&raw const (*self.as_raw()).nodeinfo)
                .cast::<*const bindings::mem_cgroup_per_node>();
            Node::from_raw(*nodes.add(nid.index()))
        }
    }

    /// The shares of all possible nodes.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = &Node> {
        NodeId::possible().map(|nid| self.node(nid))
    }

    /// The counter of pages.
    #[inline]
    pub(crate) fn memory(&self) -> &ResCounter {
        // SAFETY: By the type invariants the counter is initialized.
        unsafe { ResCounter::from_raw(&raw const (*self.as_raw()).memory) }
    }

    /// The counter of pages of swap space.
    #[inline]
    pub(crate) fn swap(&self) -> &ResCounter {
        // SAFETY: By the type invariants the counter is initialized.
        unsafe { ResCounter::from_raw(&raw const (*self.as_raw()).swap) }
    }

    /// Statistics that belong to no node, and the stock.
    #[inline]
    pub(crate) fn slots(&self) -> &PerCpuSlots {
        // SAFETY: By the type invariants the field is initialized; the layouts are the same.
        unsafe { &*(&raw const (*self.as_raw()).slots).cast() }
    }

    /// The count of VM events `index` that removed descendants leave.
    pub(crate) fn dead_events(&self, index: usize) -> Option<&Atomic<isize>> {
        if index >= bindings::MEMCTL_NR_EVENTS as usize {
            return None;
        }
        // SAFETY: `index` is within the array, which is only accessed atomically.
        Some(unsafe {
            Atomic::from_ptr(
                (&raw mut (*self.as_raw()).dead_events)
                    .cast::<isize>()
                    .add(index),
            )
        })
    }

    /// How often `event` happened here and below, or only here.
    pub(crate) fn memory_events(&self, event: MemoryEvent, local: bool) -> &Atomic<isize> {
        // SAFETY: An event is an index of both arrays, which are only accessed atomically.
        unsafe {
            let array = if local {
                &raw mut (*self.as_raw()).memory_events_local
            } else {
                &raw mut (*self.as_raw()).memory_events
            };
            Atomic::from_ptr(array.cast::<isize>().add(event.index()))
        }
    }

    /// The handle to notify of new events here and below, or only here.
    pub(crate) fn events_file(&self, local: bool) -> &FileHandle {
        // SAFETY: The tables of files name the offsets of both.
        unsafe {
            FileHandle::from_raw(if local {
                &raw mut (*self.as_raw()).events_local_file
            } else {
                &raw mut (*self.as_raw()).events_file
            })
        }
    }

    /// The handle to notify of new events of swap space, here and below.
    pub(crate) fn swap_events_file(&self) -> &FileHandle {
        // SAFETY: The tables of files name the offset; without swap it stays zeroed.
        unsafe { FileHandle::from_raw(&raw mut (*self.as_raw()).swap_events_file) }
    }

    /// How many tasks wait for an out-of-memory situation of this container to be resolved.
    pub(crate) fn oom_waiters(&self) -> &Atomic<i32> {
        // SAFETY: The counter is only accessed atomically.
        unsafe { Atomic::from_ptr(&raw mut (*self.as_raw()).oom_waiters.counter) }
    }

    /// When a process was killed for want of room here, in jiffies, and only the low half.
    pub(crate) fn oom_killed(&self) -> &Atomic<u32> {
        // SAFETY: The field is only accessed atomically.
        unsafe { Atomic::from_ptr(&raw mut (*self.as_raw()).oom_killed) }
    }

    /// Whether tasks wait here for room instead of being killed.
    pub(crate) fn oom_kill_disable(&self) -> &Atomic<bool> {
        // SAFETY: The field is only accessed atomically.
        unsafe { Atomic::from_ptr(&raw mut (*self.as_raw()).oom_kill_disable) }
    }

    /// Pages beyond which those who charge are slowed.
    #[inline]
    pub(crate) fn high(&self) -> &Atomic<usize> {
        // SAFETY: The field is only accessed atomically.
        unsafe { Atomic::from_ptr(&raw mut (*self.as_raw()).high) }
    }

    /// Pages of swap space beyond which those who charge are slowed.
    #[inline]
    pub(crate) fn swap_high(&self) -> &Atomic<usize> {
        // SAFETY: The field is only accessed atomically.
        unsafe { Atomic::from_ptr(&raw mut (*self.as_raw()).swap_high) }
    }

    /// Whether all processes are killed together.
    pub(crate) fn oom_group(&self) -> &Atomic<bool> {
        // SAFETY: The field is only accessed atomically.
        unsafe { Atomic::from_ptr(&raw mut (*self.as_raw()).oom_group) }
    }

    /// The open files that show peaks of their own.
    pub(crate) fn peaks(&self) -> &Peaks {
        // SAFETY: By the type invariants the list is initialized.
        unsafe { Peaks::from_raw(&raw const (*self.as_raw()).peaks) }
    }

    /// The open files that show peaks of swap space of their own.
    #[cfg(CONFIG_SWAP)]
    pub(crate) fn swap_peaks(&self) -> &Peaks {
        // SAFETY: By the type invariants the list is initialized.
        unsafe { Peaks::from_raw(&raw const (*self.as_raw()).swap_peaks) }
    }

    /// The notes of who else writes back its pages.
    #[cfg(CONFIG_CGROUP_WRITEBACK)]
    pub(crate) fn foreign(&self) -> &[Foreign; bindings::MEMCTL_NR_FOREIGN as usize] {
        // SAFETY: The notes are initialized with the container; the layout is transparent.
        unsafe { &*(&raw const (*self.as_raw()).foreign).cast() }
    }

    /// The domain that its dirty pages are measured in.
    #[cfg(CONFIG_CGROUP_WRITEBACK)]
    pub(crate) fn wb_domain(&self) -> *mut bindings::wb_domain {
        // SAFETY: The field is part of the container.
        unsafe { &raw mut (*self.as_raw()).cgwb_domain }
    }

    /// How willingly anonymous pages are swapped, 0 to 200.
    pub(crate) fn swappiness(&self) -> &Atomic<i32> {
        // SAFETY: The field is only accessed atomically, by C too.
        unsafe { Atomic::from_ptr(&raw mut (*self.as_raw()).swappiness) }
    }

    /// The pressure that `mm/vmpressure.c` keeps for it.
    pub(crate) fn vmpressure(&self) -> *mut bindings::vmpressure {
        // SAFETY: The field is part of the container.
        unsafe { &raw mut (*self.as_raw()).vmpressure }
    }

    /// The container that C gave `vmpressure` of.
    ///
    /// # Safety
    ///
    /// `vmpressure` comes from [`MemCgroup::vmpressure`] of a container that lives for `'a`.
    pub(crate) unsafe fn from_vmpressure<'a>(vmpressure: *mut bindings::vmpressure) -> &'a Self {
        // SAFETY: By the requirements of this function.
        unsafe {
            Self::from_raw(kernel::container_of!(
                vmpressure,
                bindings::mem_cgroup,
                vmpressure
            ))
        }
    }

    /// Makes a container below `parent`, or the root. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; `EBUSY` if there is no id left.
    pub(crate) fn create(parent: Option<&Self>) -> Result<Unpublished> {
        let slots = PerCpuSlots::new(stats::NR_MEMCG_SLOTS, GFP_KERNEL)?;
        // SAFETY: The cache was made when the kernel started; its objects have room for all nodes.
        let raw = unsafe {
            bindings::memctl_cache_alloc(
                bindings::memctl_cachep,
                bindings::GFP_KERNEL | bindings::__GFP_ZERO,
                bindings::NUMA_NO_NODE,
            )
        }
        .cast::<bindings::mem_cgroup>();
        let ptr = NonNull::new(raw).ok_or(ENOMEM)?;
        // SAFETY: `raw` is a fresh, zeroed allocation of a container that nobody else knows.
        unsafe {
            Self::init_writeback(raw).inspect_err(|_| {
                bindings::kmem_cache_free(bindings::memctl_cachep, raw.cast());
            })?;
        }

        // SAFETY: `raw` is a fresh, zeroed allocation of a container that nobody else knows.
        unsafe {
            (&raw mut (*raw).slots).cast::<PerCpuSlots>().write(slots);
            // The root's are never charged: one atomic operation less for everybody else.
            let parent_charged = parent.filter(|p| !p.is_root());
            ResCounter::init(
                (&raw mut (*raw).memory).cast(),
                parent_charged.map(Self::memory),
                crate::PAGES.unlimited(),
            );
            ResCounter::init(
                (&raw mut (*raw).swap).cast(),
                parent_charged.map(Self::swap),
                crate::PAGES.unlimited(),
            );
            (*raw).kmemcg_id = -1;
            (*raw).high = crate::PAGES.unlimited();
            (*raw).swap_high = crate::PAGES.unlimited();
            Peaks::init(&raw mut (*raw).peaks);
            Peaks::init(&raw mut (*raw).swap_peaks);
            bindings::vmpressure_init(&raw mut (*raw).vmpressure);
            bindings::socket_pressure_init(raw);
            if parent.is_none() {
                bindings::root_mem_cgroup = raw;
            }
        }

        // From here on `Unpublished` cleans up.
        let new = Unpublished(ptr.cast());
        let memcg = new.get();
        memcg.alloc_id()?;
        for nid in NodeId::possible() {
            let node = Node::new(memcg, nid, stats::NR_NODE_SLOTS)?;
            // SAFETY: There is an element for every possible node.
            unsafe {
                (&raw mut (*raw).nodeinfo)
                    .cast::<*mut bindings::mem_cgroup_per_node>()
                    .add(nid.index())
                    .write(node.as_ptr().cast());
            }
        }
        // SAFETY: `raw` has all its shares.
        unsafe { bindings::lru_gen_init_memcg(raw) };
        Ok(new)
    }

    /// Prepares what belongs to writeback.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    ///
    /// # Safety
    ///
    /// `raw` is valid, zeroed, and nobody else uses it yet.
    #[cfg(CONFIG_CGROUP_WRITEBACK)]
    unsafe fn init_writeback(raw: *mut bindings::mem_cgroup) -> Result {
        // SAFETY: By the requirement of this function.
        unsafe {
            bindings::cgwb_list_init(raw);
            let notes = (&raw mut (*raw).foreign).cast::<bindings::memctl_foreign>();
            for i in 0..bindings::MEMCTL_NR_FOREIGN as usize {
                Foreign::init(notes.add(i));
            }
            kernel::error::to_result(bindings::wb_domain_init(
                &raw mut (*raw).cgwb_domain,
                bindings::GFP_KERNEL,
            ))
        }
    }

    /// As above; there is nothing.
    #[cfg(not(CONFIG_CGROUP_WRITEBACK))]
    fn init_writeback(_raw: *mut bindings::mem_cgroup) -> Result {
        Ok(())
    }

    /// Frees it with all that belongs to it.
    ///
    /// # Safety
    ///
    /// `this` comes from [`MemCgroup::create`] and nobody uses it any more.
    unsafe fn free_parts(this: NonNull<Self>) {
        let raw: *mut bindings::mem_cgroup = this.as_ptr().cast();
        // SAFETY: By the requirement of this function.
        unsafe {
            for nid in NodeId::possible() {
                let node = (&raw const (*raw).nodeinfo)
                    .cast::<*mut bindings::mem_cgroup_per_node>()
                    .add(nid.index())
                    .read();
                if let Some(node) = NonNull::new(node) {
                    Node::free(node.cast());
                }
            }
            #[cfg(CONFIG_CGROUP_WRITEBACK)]
            bindings::wb_domain_exit(&raw mut (*raw).cgwb_domain);
            (&raw mut (*raw).slots)
                .cast::<PerCpuSlots>()
                .drop_in_place();
            bindings::kmem_cache_free(bindings::memctl_cachep, this.as_ptr().cast());
        }
    }

    /// Frees a container that has been released. May sleep.
    ///
    /// # Safety
    ///
    /// The cgroup core calls `css_free` for it: nobody uses it any more.
    pub(crate) unsafe fn free(this: *mut Self) {
        let raw: *mut bindings::mem_cgroup = this.cast();
        // SAFETY: By the requirement of this function.
        unsafe {
            #[cfg(CONFIG_CGROUP_WRITEBACK)]
            Self::from_raw(raw).foreign().iter().for_each(Foreign::wait);
            bindings::vmpressure_cleanup(&raw mut (*raw).vmpressure);
            bindings::lru_gen_exit_memcg(raw);
            bindings::free_shrinker_info(raw);
            if let Some(this) = NonNull::new(this) {
                Self::free_parts(this);
            }
        }
    }

    /// The id by which swap and shadow entries know it; 0 if it has none any more.
    pub(crate) fn id(&self) -> u32 {
        // SAFETY: The field is only written by `alloc_id()` and `remove_id()`.
        unsafe { Atomic::from_ptr(&raw mut (*self.as_raw()).id.id) }.load(Relaxed) as u32
    }

    fn set_id(&self, id: u32) {
        // SAFETY: The field is only accessed atomically.
        unsafe { Atomic::from_ptr(&raw mut (*self.as_raw()).id.id) }.store(id as i32, Relaxed);
    }

    /// Reserves an id, by which it is not found yet. May sleep.
    fn alloc_id(&self) -> Result {
        let mut id = 0;
        let limit = bindings::xa_limit {
            max: ID_MAX,
            min: 1,
        };
        // SAFETY: The array is initialized statically, and locked around its change.
        let ret = unsafe {
            bindings::xa_lock(&raw mut bindings::memctl_ids);
            let ret = bindings::__xa_alloc(
                &raw mut bindings::memctl_ids,
                &mut id,
                core::ptr::null_mut(),
                limit,
                bindings::GFP_KERNEL,
            );
            bindings::xa_unlock(&raw mut bindings::memctl_ids);
            ret
        };
        kernel::error::to_result(ret)?;
        self.set_id(id);
        Ok(())
    }

    /// Lets it be found by its id from now on. The id keeps the container alive. May sleep.
    pub(crate) fn publish_id(&self) {
        self.css().get();
        // SAFETY: The id is reserved, so that storing needs no memory. The array is locked.
        unsafe {
            bindings::private_id_ref_set(self.as_raw(), 1);
            bindings::xa_lock(&raw mut bindings::memctl_ids);
            bindings::__xa_store(
                &raw mut bindings::memctl_ids,
                self.id() as usize,
                self.as_raw().cast(),
                bindings::GFP_KERNEL,
            );
            bindings::xa_unlock(&raw mut bindings::memctl_ids);
        }
    }

    fn remove_id(&self) {
        let id = self.id();
        if id == 0 {
            return;
        }
        // SAFETY: The array is initialized statically, and locked around its change.
        unsafe {
            bindings::xa_lock(&raw mut bindings::memctl_ids);
            bindings::__xa_erase(&raw mut bindings::memctl_ids, id as usize);
            bindings::xa_unlock(&raw mut bindings::memctl_ids);
        }
        self.set_id(0);
    }

    /// The nearest container from here up whose id is still in use, with `nr` users more. Swap
    /// entries are such users.
    #[cfg(CONFIG_SWAP)]
    pub(crate) fn get_id(&self, nr: u32) -> &Self {
        let mut memcg = self;
        // SAFETY: The count was set by `publish_id()`.
        while !unsafe { bindings::private_id_ref_get(memcg.as_raw(), nr) } {
            // The root's is never given up.
            match memcg.parent() {
                Some(parent) => memcg = parent,
                None => break,
            }
        }
        memcg
    }

    /// Gives up `nr` users of the id, or what [`MemCgroup::publish_id`] took: with the last one the
    /// id is free for others. Not in interrupts.
    pub(crate) fn put_id(&self, nr: u32) {
        // SAFETY: The count was set by `publish_id()`.
        if unsafe { bindings::private_id_ref_put(self.as_raw(), nr) } {
            self.remove_id();
            // SAFETY: The reference of `publish_id()`. The caller has another one.
            unsafe { Css::put(self.css()) };
        }
    }

    /// The container with this id, if it is online or was when something took a hold of the id.
    pub(crate) fn from_id(id: u32, _rcu: &rcu::Guard) -> Option<&Self> {
        // SAFETY: The array is initialized statically; what is in it is freed after a grace period.
        unsafe {
            bindings::xa_load(&raw mut bindings::memctl_ids, id as usize)
                .cast::<Self>()
                .as_ref()
        }
    }

    /// Gives up the reservation of the id if bringing it online fails.
    pub(crate) fn cancel_id(&self) {
        self.remove_id();
    }
}

/// A container that the cgroup core does not have yet. Dropping it frees it.
pub(crate) struct Unpublished(NonNull<MemCgroup>);

impl Unpublished {
    /// The container.
    pub(crate) fn get(&self) -> &MemCgroup {
        // SAFETY: The container is ours.
        unsafe { self.0.as_ref() }
    }

    /// Hands it over to the cgroup core, which frees it by `css_free`.
    pub(crate) fn publish(self) -> *mut bindings::cgroup_subsys_state {
        core::mem::ManuallyDrop::new(self).0.as_ptr().cast()
    }
}

impl Drop for Unpublished {
    fn drop(&mut self) {
        self.get().remove_id();
        // SAFETY: The container is ours, and nobody else knows it.
        unsafe { MemCgroup::free_parts(self.0) };
    }
}
